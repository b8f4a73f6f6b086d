"""What `seawall serve` says when it is ready."""

import shlex

from seawall.gateway.options import ServeOptions
from seawall.gateway.pid_file import PID_FILE

_ANY_KEY = "any"


def base_url(options: ServeOptions) -> str:
    """Give the data port's address as a client on this machine would write it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(options.host, options.host)  # noqa: S104  # read, not bound
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{options.port}"


def snippet(options: ServeOptions, route: str) -> str:
    """Give a request and a program that can be pasted as they are."""
    url = base_url(options) + route
    key = _ANY_KEY if options.insecure_dev else "$SEAWALL_KEY"
    python_key = f'"{_ANY_KEY}"' if options.insecure_dev else 'os.environ["SEAWALL_KEY"]'
    imports = "" if options.insecure_dev else "import os\n"
    return f"""\
curl {url}/v1/messages \\
  -H "x-api-key: {key}" -H "anthropic-version: 2023-06-01" -H "content-type: application/json" \\
  -d '{{"model": "claude-haiku-5-5", "max_tokens": 100, "messages": [{{"role": "user", "content": "Hello"}}]}}'

# Python, with the official SDK
{imports}from anthropic import Anthropic
client = Anthropic(base_url="{url}", api_key={python_key})
print(client.messages.create(model="claude-haiku-5-5", max_tokens=100,
                             messages=[{{"role": "user", "content": "Hello"}}]).content)"""


def banner(options: ServeOptions, routes: list[str], policy: str) -> str:
    """Say where it listens, under which policy, what is unsafe about this start, and how to call it."""
    lines = [
        f"Seawall listens on {base_url(options)} ({options.workers} worker{'s' if options.workers > 1 else ''})",
        f"  policy    {policy}",
        f"  routes    {', '.join(routes)}",
        f"  state     {options.state_dir}",
        f"  docs      http://127.0.0.1:{options.admin_port}/",
    ]
    if options.workers > 1:
        pid_path = shlex.quote(str(options.state_dir / PID_FILE))
        lines.append(f"  restart   kill -USR2 $(cat {pid_path}) replaces the workers one by one")
    if options.sandbox_url:
        lines.append(f"  sandbox   {options.sandbox_url} answers for providers without a key; nothing real is called")
    if options.insecure_dev:
        lines.append("  INSECURE  --insecure-dev: everybody on this machine may call, no key is checked")
    else:
        lines.append("  keys      seawall keys create --team my-team, then: export SEAWALL_KEY=sw_…")
    return "\n".join([*lines, "", "Try it:", "", snippet(options, routes[0]), ""])
