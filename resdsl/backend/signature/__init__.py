"""Compiles each distinct block once: training, and gradients in evaluation."""
