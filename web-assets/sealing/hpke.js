// What sealing.js needs of RFC 9180 and what a browser does not bring itself (ADR 65).

export { Chacha20Poly1305 } from "@hpke/chacha20poly1305";
export { CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
