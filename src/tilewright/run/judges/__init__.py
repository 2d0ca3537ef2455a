"""Third parties that say what a network's numbers are: LiteRT and ONNX Runtime."""
