"""The commented policy that `seawall init` writes."""

from typing import Final

STARTER: Final = """\
# A Seawall policy. `seawall check` judges it, `seawall explain /ai/chat` shows every setting that holds and why,
# `seawall serve --policy seawall.yaml` runs it. What is left out has a safe default.
version: 1

providers:
  anthropic:
    dialect: anthropic
    base_url: https://api.anthropic.com   # as the official SDK has it
    api_key: env:ANTHROPIC_API_KEY        # by reference only: env:NAME or file:/path
    # set a spend limit in the provider's console too, and say here who has seen it:
    # console_cap: {usd_per_day: 50, attested_by: me, on: 2026-11-01, expires: 2027-02-01}
  # openai:
  #   dialect: openai
  #   base_url: https://api.openai.com/v1
  #   api_key: env:OPENAI_API_KEY

# Hard caps: a call that could exceed one is refused before it is sent. `seawall spend` shows what is left of them.
budgets:
  all: {per_day_usd: 20}                  # also per_minute_usd to per_month_usd, usd for good, and tokens
  # "key:*": {per_day_usd: 5}             # * is each: every key has a budget of its own
  # "user:*": {per_day_usd: 1, time_zone: Europe/Berlin}   # when a day ends; UTC is the default
  # "conversation:*": {tokens: 60000, usd: 0.5}

# limits:                                 # how fast calls may come; 429 says when the next one passes
#   "user:*": {calls_per_day: 200, requests_per_minute: 20, burst: 5}
#   "route:/ai/automation": {tokens_per_minute: 400000}

# A route is a base URL for your application: http://host:8080/ai/chat
routes:
  /ai/chat:
    profile: interactive                  # a person is waiting: 30 s in all, 10 s to the first token
    model: claude-haiku-5-5               # or provider/model
    max_tokens: 800                       # the ceiling of an answer, filled in where a request has none
    max_input_tokens: 20000               # the longest prompt that is let through
    # fallback:                           # who answers when the model does not, in order, of any provider
    #   - gpt-6-luna
    #   - {model: claude-sonnet-5-5, enabled: "env:SECOND_FALLBACK", max_tokens: 400}
    # degraded: {message: "Please try again in a few minutes."}   # or cached_s, a cheaper model, or error

  /ai/automation:
    profile: automation                   # a program reads the answer: strict JSON, little variation
    model: claude-sonnet-5-5
    max_tokens: 600
    max_tokens_above: refuse              # or clamp, which is the default
    budget_per_day_usd: 5                 # of this route alone
    # on_exhausted: clamp                 # cut answers to what the budget has left; refuse is the default, or degrade
    # on_hang_up: drain                   # read streams to their end when the client is gone; abort is the default
    timeout_ms: 20000                     # the total: queue, every attempt and the whole answer
    # retries: 1                          # at one model; max_attempts bounds them over all models
    # breaker: {failure_ratio: 0.3, open_s: 15}   # when a model is left alone, and for how many seconds

# profiles:
#   interactive: {temperature: 0.7}       # changes the built-in profile of that name
#   patient: {extends: analysis, timeout_ms: 600000}

# overload: {max_in_flight: 500}          # calls at the same time in one worker; analysis is turned away first
# killswitch: {in_flight: cut}            # calls that run when something is switched off; finish is the default
# idempotency: {keep_hours: 48}           # how long an answer can be asked for again by its key

# prices:                                 # only where you pay something else than the list price
#   claude-haiku-5-5: {input_usd_per_mtok: 0.08, output_usd_per_mtok: 0.4, from: 2026-12-01}

journal:
  keep_metadata_days: 90                  # who, when, which model, how many tokens, what it cost
  keep_bodies_days: 0                     # texts; this version records none
"""
