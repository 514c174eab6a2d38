"""Values in valid form, made by Hypothesis, for any test of the domain."""

from uuid import UUID

from hypothesis import strategies as st

from dmcore.domain.ids import ConversationId, MessageId, TenantId, User, UserId, next_message_id

LARGEST_ENTROPY = (1 << 62) - 1
YEAR_9999_US = 253_402_300_799_999_999

ids = st.text(
    st.characters(exclude_categories=("Cc", "Cs")),
    min_size=1,
    max_size=255,
)
user_ids = ids.map(UserId)
tenant_ids = st.one_of(st.just(""), ids).map(TenantId)
users = st.builds(User, tenant_ids, user_ids)
instants_us = st.integers(0, YEAR_9999_US)
entropies = st.integers(0, LARGEST_ENTROPY)
# Of real instants, as a clock gives them.
message_ids = st.builds(next_message_id, instants_us, entropies, st.none())
conversation_ids = st.uuids().map(ConversationId)
uuids = st.integers(0, (1 << 128) - 1).map(lambda number: UUID(int=number))
any_message_ids = uuids.map(MessageId)
# Texts that a person, a browser or an attacker may send: every code point, surrogates too.
any_text = st.text(st.characters(exclude_categories=()))
