"""The OpenAI Responses API (platform.openai.com/docs/api-reference/responses): its dialect, and its neutral form."""
