"""Fields for other programs: ONNX and safetensors."""

__all__ = []
