"""The integer dialect of quantlib and Deeploy: ONNX files whose every number is an integer."""
