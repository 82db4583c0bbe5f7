"""The Open Inference Protocol (KServe V2): its routes, types and tensors.

https://github.com/kserve/open-inference-protocol
"""
