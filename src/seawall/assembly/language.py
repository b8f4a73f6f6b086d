"""Every endpoint that is translated, with its dialect and its form."""

from typing import Final

from seawall.dialects.anthropic import ANTHROPIC
from seawall.dialects.chat.form import CHAT_FORM
from seawall.dialects.dialect import CHAT, MESSAGES, RESPONSES
from seawall.dialects.messages.form import MESSAGES_FORM
from seawall.dialects.openai import OPENAI
from seawall.dialects.responses.dialect import RESPONSES_DIALECT
from seawall.dialects.responses.form import RESPONSES_FORM
from seawall.guards.translation.guard import Languages

LANGUAGES: Final = Languages(
    dialects={MESSAGES: ANTHROPIC, CHAT: OPENAI, RESPONSES: RESPONSES_DIALECT},
    forms={MESSAGES: MESSAGES_FORM, CHAT: CHAT_FORM, RESPONSES: RESPONSES_FORM},
)
