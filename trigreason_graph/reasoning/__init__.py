"""Pure text work: cleaning, steps, confidence, conclusions, answers, arithmetic and prompts. No IO, no models."""
