"""A pair: two different users of one tenant, in one canonical order."""

from typing import Self

import attrs

from dmcore.domain.ids import ConversationId, TenantId, UserId, derive_conversation_id
from dmcore.errors import CannotMessageYourself


@attrs.frozen
class Pair:
    """An unordered pair, kept as (low, high) by Unicode code point (PAIR-1).

    Build it with ``Pair.of``; a pair of the same user twice raises ``CannotMessageYourself``
    (PAIR-3).
    """

    tenant: TenantId
    low: UserId
    high: UserId

    def __attrs_post_init__(self) -> None:
        if self.low == self.high:
            raise CannotMessageYourself
        if self.low > self.high:
            raise ValueError("a pair is ordered: build it with Pair.of")

    @classmethod
    def of(cls, tenant: TenantId, one: UserId, other: UserId) -> Self:
        # Python compares text by code point, as "C" collation and SQLite's BINARY do in UTF-8.
        return cls(tenant, min(one, other), max(one, other))

    def conversation_id(self, namespace: bytes) -> ConversationId:
        """The id of this pair's one conversation in the installation ``namespace``."""
        return derive_conversation_id(namespace, self.tenant, self.low, self.high)

    def other_than(self, user: UserId) -> UserId:
        """The partner of ``user``, who must be one of the two."""
        return self.high if user == self.low else self.low

    def __contains__(self, user: UserId) -> bool:
        return user in (self.low, self.high)
