"""Networks of known shapes with drawn weights, quantised, as .onnx files."""
