"""The node cases that the ONNX package generates, through importer, definitions and C."""
