// One device's own side of sealed conversations, in a browser: the protocol hpke-v1 (ADR 62, 65),
// byte for byte as dmcore.adapters.e2ee speaks it. It asks nobody for anything and shows nothing:
// what it makes is handed to the interface, and what that answered is handed to it. It trusts no
// server: what it is handed is verified here. Bytes come and go as base64, as in the interface.

const PROTOCOL = "hpke";
const VERSION = 1;
const NAME = "dmcore hpke-v1";
const ONE_TIME_KEYS = 50;
const KEPT = { prekey: 3, "one-time": 1_000 };
const STEP = 256; // texts of about one length look alike
const KEY_NAME_SIZE = 5;
const ENCAPSULATED_SIZE = 32;
const FRANKING_KEY_SIZE = 32;
const LARGEST_ENVELOPE = 262_144;
const LARGEST_TEXT = 30_000; // in bytes: the longest that fits into a report
const ERASED = /^erased-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/; // whom nobody is any more
const NO_ID = "00000000-0000-0000-0000-000000000000";
const ED25519 = { name: "Ed25519" };

/** Keys or devices that cannot be trusted, or a text that cannot be sealed. */
export class CannotSeal extends Error {
  constructor(code, words) {
    super(words);
    this.code = code;
  }
}

/** Why nothing can be sealed in this browser at this address, in words; nothing where it can. */
export async function lacks() {
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle)
    return "Sealing needs a secure address (https).";
  if (!globalThis.indexedDB || !navigator.locks)
    return "This browser keeps nothing, so it can be no device.";
  try {
    await crypto.subtle.generateKey(ED25519, false, ["sign", "verify"]);
    await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
  } catch {
    return "This browser is too old to seal: it knows no Ed25519 and X25519 keys.";
  }
  return "";
}

// --- bytes ----------------------------------------------------------------------------------------

const utf8 = new TextEncoder();
const strictly = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const spelled = (bytes) => btoa(Array.from(bytes, (it) => String.fromCharCode(it)).join(""));

function bytesOf(text) {
  const bytes = Uint8Array.from(atob(text), (it) => it.charCodeAt(0));
  // One thing has one spelling.
  if (spelled(bytes) !== text) throw new RangeError("this is no base64");
  return bytes;
}

function number(value, size) {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(size - 4, value);
  return bytes;
}

function whole(...parts) {
  const bytes = new Uint8Array(parts.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const joined = (...parts) => whole(...parts.flatMap((it) => [number(it.length, 4), it]));
const isUuid = (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
const hex = (bytes) => Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");

function uuidBytes(id) {
  if (!isUuid(id)) throw new RangeError("this is no id");
  return Uint8Array.from(id.replaceAll("-", "").match(/../g), (it) => parseInt(it, 16));
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return uuidOf(bytes);
}

const uuidOf = (bytes) => hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

function headerOf(sequence, number, edits) {
  const place = new Uint8Array(8);
  new DataView(place.buffer).setBigUint64(0, BigInt(sequence));
  return whole(place, uuidBytes(number), uuidBytes(edits ?? NO_ID));
}

function readHeader(bytes) {
  if (bytes.length !== 40) return null;
  const sequence = new DataView(bytes.buffer).getBigUint64(0);
  const edits = uuidOf(bytes.slice(24));
  return { sequence, number: uuidOf(bytes.slice(8, 24)), edits: edits === NO_ID ? null : edits };
}

const written = (route) =>
  joined(
    ...[route.tenant, route.sender, route.recipient].map((it) => utf8.encode(it)),
    uuidBytes(route.device),
  );

const prekeyStatement = (tenant, user, device, kind, count, key) =>
  joined(
    utf8.encode(`${NAME} key`),
    ...[tenant, user].map((it) => utf8.encode(it)),
    uuidBytes(device),
    utf8.encode(kind),
    number(count, 4),
    key,
  );

const context = (route, owner, device, named, header, commitment) =>
  joined(
    utf8.encode(`${NAME} text`),
    written(route),
    utf8.encode(owner),
    uuidBytes(device),
    named,
    header,
    commitment,
  );

async function signedStatement(route, { changes, header, commitment, own, other }) {
  const parts = [own, other].map((side) =>
    joined(...side.flatMap(([device, ciphertext]) => [uuidBytes(device), ciphertext])),
  );
  const told = whole(...changes.map((it) => number(it, 4)));
  const all = joined(written(route), told, header, commitment, ...parts);
  const digest = await crypto.subtle.digest("SHA-256", all);
  return joined(utf8.encode(`${NAME} envelope`), new Uint8Array(digest));
}

function padded(text, frankingKey) {
  const content = utf8.encode(text);
  const more = (STEP - ((4 + content.length) % STEP)) % STEP;
  return whole(frankingKey, number(content.length, 4), content, new Uint8Array(more));
}

function unpadded(content) {
  const frankingKey = content.slice(0, FRANKING_KEY_SIZE);
  const rest = content.slice(FRANKING_KEY_SIZE);
  const size = new DataView(rest.buffer).getUint32(0);
  if (rest.length < 4 + size) throw new RangeError("it is shorter than it says");
  const text = strictly.decode(rest.slice(4, 4 + size));
  // What no report could hold is none that is shown: else a sender could see to it.
  if (!size || size > LARGEST_TEXT || text.includes("\0")) throw new RangeError("nobody could report it");
  return { text, frankingKey };
}

async function commitmentTo(text, key) {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const made = await crypto.subtle.importKey("raw", key, hmac, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", made, utf8.encode(text)));
}

async function isSigned(identity, signature, statement) {
  try {
    const key = await crypto.subtle.importKey("raw", identity, ED25519, false, ["verify"]);
    return await crypto.subtle.verify(ED25519, key, signature, statement);
  } catch {
    return false;
  }
}

const namedKey = (kind, count) => whole([Number(kind === "one-time")], number(count, 4));

// --- envelopes ------------------------------------------------------------------------------------

/** The one spelling, as dmcore.domain.envelope has it. */
function spelledEnvelope({ protocol, version, device, changes, header, commitment, signature, ...sides }) {
  const side = (parts) => Object.fromEntries(parts.map(([id, it]) => [id, spelled(it)]));
  return JSON.stringify({
    protocol,
    version,
    device,
    changes,
    header: spelled(header),
    commitment: spelled(commitment),
    signature: spelled(signature),
    own: side(sides.own),
    other: side(sides.other),
  });
}

/** An envelope again; nothing where it is damaged. */
function readEnvelope(text) {
  try {
    const told = JSON.parse(text);
    const side = (parts) => Object.entries(parts).map(([id, it]) => [id, bytesOf(it)]);
    const found = {
      protocol: told.protocol,
      version: told.version,
      device: told.device,
      changes: told.changes,
      header: bytesOf(told.header),
      commitment: bytesOf(told.commitment),
      signature: bytesOf(told.signature),
      own: side(told.own),
      other: side(told.other),
    };
    const ids = [found.device, ...found.own.map(([id]) => id), ...found.other.map(([id]) => id)];
    return ids.every(isUuid) && spelledEnvelope(found) === text ? found : null;
  } catch {
    return null;
  }
}

/** Why it is not where its sender put it, as far as this device saw others of theirs. */
function misplaced(message, header, before, others, partner) {
  if (header.edits !== null && header.edits !== message.id) return "misplaced";
  if (before && before.sequence > header.sequence) return "replayed";
  for (const other of others) {
    if (other.message === message.id) continue;
    if (other.number === header.number) return "replayed";
    const isEarlier = other.message < message.id;
    // What was given another text later is newer than its place.
    const isExact = header.edits === null && !(other.isEdit && isEarlier);
    const isAsPlaced = other.sequence < header.sequence === isEarlier;
    if (isExact && !isAsPlaced && other.partner === partner) return "misplaced";
  }
  return null;
}

// --- what is remembered ---------------------------------------------------------------------------

const answered = (request) =>
  new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });

/** The database of one user in this browser. Private keys in it can be used, and not read. */
async function opened(name) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    const made = request.result;
    made.createObjectStore("self");
    made.createObjectStore("keys", { keyPath: ["kind", "number"] });
    made.createObjectStore("people", { keyPath: "user" });
    const texts = made.createObjectStore("opened", { keyPath: "message" });
    texts.createIndex("writer", ["sender", "device"]);
  };
  return answered(request);
}

/** What people compare: the same for both, whoever computes it. */
export async function safetyNumber(one, onesKeys, other, othersKeys) {
  const halves = [await fingerprint(one, onesKeys), await fingerprint(other, othersKeys)].sort();
  return halves.join("").match(/.{5}/g).join(" ");
}

async function fingerprint(user, keys) {
  const sorted = keys.map((it) => [hex(bytesOf(it)), bytesOf(it)]).sort(([a], [b]) => (a < b ? -1 : 1));
  const secret = whole(...sorted.map(([, it]) => it));
  const base = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, ["deriveBits"]);
  const salt = utf8.encode(`dmcore safety number 1\0${user}`);
  const how = { name: "PBKDF2", hash: "SHA-512", salt, iterations: 5_200 };
  const digest = new Uint8Array(await crypto.subtle.deriveBits(how, base, 512));
  return (BigInt(`0x${hex(digest)}`) % 10n ** 30n).toString().padStart(30, "0");
}

// --- the device -----------------------------------------------------------------------------------

/** The device that this browser is for one user, with all that only it knows.
 *
 * Windows of one browser are one device: whatever reads and changes what it knows, it does alone.
 */
export class Device {
  #db;
  #suite;
  #name;

  constructor(db, suite, user, tenant) {
    this.#db = db;
    this.#suite = suite;
    this.#name = db.name;
    Object.assign(this, { user, tenant });
  }

  /** What is here of a user's device; `hpke` is the module that `make sealing-assets` builds. */
  static async here(user, tenant, hpke) {
    const suite = new hpke.CipherSuite({
      kem: new hpke.DhkemX25519HkdfSha256(),
      kdf: new hpke.HkdfSha256(),
      aead: new hpke.Chacha20Poly1305(),
    });
    const db = await opened(`dmcore sealing ${JSON.stringify([tenant, user])}`);
    return new Device(db, suite, user, tenant);
  }

  /** Its name in the directory, and when its keys were renewed; nothing where it was never made. */
  async self() {
    return (await this.#get("self", "self")) ?? null;
  }

  #alone = (work) => navigator.locks.request(this.#name, work);
  #get = (store, key) => answered(this.#db.transaction(store).objectStore(store).get(key));
  #all = (store) => answered(this.#db.transaction(store).objectStore(store).getAll());

  /** All of these changes or none: what opened a text is gone only where the text is kept. */
  async #change(stores, change) {
    const transaction = this.#db.transaction(stores, "readwrite", { durability: "strict" });
    const over = new Promise((done, failed) => {
      transaction.oncomplete = done;
      transaction.onabort = () => failed(transaction.error);
    });
    change(...stores.map((it) => transaction.objectStore(it)));
    await over;
  }

  // Its own keys ---------------------------------------------------------------------------------

  /** What to add to the directory: of the device that this browser is, a new one if it is none. */
  enrolment() {
    return this.#alone(async () => {
      const self = (await this.self()) ?? (await this.#born());
      return { identity: self.raw, ...(await this.#renewed(self)) };
    });
  }

  async #born() {
    const identity = await crypto.subtle.generateKey(ED25519, false, ["sign", "verify"]);
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", identity.publicKey));
    return { device: newId(), identity, raw: spelled(raw), next: 1, sequence: 0n };
  }

  /** New prekeys for the same device. The last ones are kept: a message may be on its way. */
  renewal() {
    return this.#alone(async () => this.#renewed(await this.#me()));
  }

  /** A prekey that nobody confirmed is handed out again; a one-time key never is. */
  async #renewed(self) {
    const kinds = [...(self.pending ? [] : ["prekey"]), ...Array(ONE_TIME_KEYS).fill("one-time")];
    const made = await Promise.all(kinds.map((kind, at) => this.#made(self, kind, self.next + at)));
    const old = (await this.#all("keys")).sort((a, b) => b.number - a.number);
    const tooOld = Object.entries(KEPT).flatMap(([kind, most]) => {
      const fresh = made.filter((it) => it.kept.kind === kind).length;
      return old.filter((it) => it.kind === kind).slice(most - fresh);
    });
    const told = (kind) => made.filter((it) => it.kept.kind === kind).map((it) => it.told);
    const prekey = self.pending ?? told("prekey")[0];
    const next = self.next + kinds.length;
    const after = { ...self, next, pending: prekey, renewed: Date.now(), used: 0 };
    await this.#change(["self", "keys"], (selves, keys) => {
      selves.put(after, "self");
      for (const it of tooOld) keys.delete([it.kind, it.number]);
      for (const it of made) keys.put(it.kept);
    });
    return { device: self.device, prekey, one_time_keys: told("one-time") };
  }

  /** The directory has what was handed out last. */
  confirmed() {
    return this.#alone(async () => {
      const self = { ...(await this.#me()), pending: null };
      await this.#change(["self"], (selves) => selves.put(self, "self"));
    });
  }

  async #made({ device, identity }, kind, count) {
    const pair = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
    const key = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const statement = prekeyStatement(this.tenant, this.user, device, kind, count, key);
    const signature = await crypto.subtle.sign(ED25519, identity.privateKey, statement);
    const told = {
      number: count,
      public: spelled(key),
      signature: spelled(new Uint8Array(signature)),
    };
    return { kept: { kind, number: count, pair }, told };
  }

  async #me() {
    const self = await this.self();
    if (!self) throw new CannotSeal("no_device", "This browser is no device yet.");
    return self;
  }

  /** Whether it is time for new prekeys: after a week, when many were used, or nobody has them. */
  async isStale() {
    const { pending, renewed, used } = await this.#me();
    return Boolean(pending) || Date.now() - renewed > 7 * 86_400_000 || used > ONE_TIME_KEYS / 2;
  }

  // Keys of others -------------------------------------------------------------------------------

  /** Verify somebody's keys and remember whose they are; returns which devices were added. */
  learn(bundle) {
    return this.#alone(() => this.#learn(bundle));
  }

  async #learn(bundle) {
    for (const { device, one_time: oneTime } of bundle.devices) {
      const signed = [[device.prekey, "prekey"]];
      if (oneTime) signed.push([oneTime, "one-time"]);
      for (const [key, kind] of signed) {
        const told = [kind, key.number, bytesOf(key.public)];
        const statement = prekeyStatement(this.tenant, bundle.user, device.id, ...told);
        if (!(await isSigned(bytesOf(device.identity), bytesOf(key.signature), statement)))
          throw new CannotSeal("untrusted_keys", "A key is not signed by its device.");
      }
    }
    const found = new Map(bundle.devices.map(({ device }) => [device.id, device.identity]));
    const known = await this.#known(bundle.user);
    for (const [device, identity] of found)
      if ((known.identities.get(device) ?? identity) !== identity)
        throw new CannotSeal("untrusted_keys", "A device has another identity key than before.");
    const isSame = found.size === known.present.size && [...found.keys()].every((it) => known.present.has(it));
    if (known.isCompared && !isSame)
      throw new CannotSeal("keys_changed_since", "Devices changed since the two of you compared your number.");
    // One that was removed and is back is news too: it may be whoever found it.
    const fresh = [...found.keys()].filter((it) => !known.present.has(it));
    const mine = (await this.self())?.device;
    const isNews = known.identities.size > 0 && fresh.some((it) => it !== mine);
    if (!isSame) {
      const identities = new Map([...known.identities, ...found]);
      const present = new Set(found.keys());
      const after = { ...known, identities, present, isChanged: known.isChanged || isNews };
      await this.#change(["people"], (people) => people.put(after));
    }
    return fresh;
  }

  async #known(user) {
    const nobody = { identities: new Map(), present: new Set(), isCompared: false, isChanged: false };
    return (await this.#get("people", user)) ?? { user, ...nobody };
  }

  /** What is known of somebody: whether keys changed since one last looked, and were compared. */
  async standing(user) {
    const { isCompared, isChanged, present } = await this.#known(user);
    return { isCompared, isChanged, count: present.size };
  }

  /** Sixty digits to compare with what `other` sees, over another way than this one. */
  async safetyNumber(other) {
    const keys = async (user) => {
      const { identities, present } = await this.#known(user);
      return [...present].map((it) => identities.get(it));
    };
    return safetyNumber(this.user, await keys(this.user), other, await keys(other));
  }

  /** The other sees `digits` too: from now on a change is refused, not just told. */
  compared(other, digits) {
    return this.#alone(async () => {
      if ((await this.safetyNumber(other)) !== digits)
        throw new CannotSeal("other_number", "Devices changed meanwhile. Compare the number once more.");
      await this.#marked(other, { isCompared: true, isChanged: false });
    });
  }

  /** Take what changed: the number is to be compared anew. */
  acceptChanges = (other) => this.#mark(other, { isCompared: false });

  /** One has read that keys changed. */
  noticed = (other) => this.#mark(other, { isChanged: false });

  #mark(user, marks) {
    return this.#alone(() => this.#marked(user, marks));
  }

  async #marked(user, marks) {
    const after = { ...(await this.#known(user)), ...marks };
    await this.#change(["people"], (people) => people.put(after));
  }

  // Sealing --------------------------------------------------------------------------------------

  /** Seal a text for every device of the two, with what was claimed: the envelope's one spelling.
   *
   * Keep it until it is acknowledged: a retry sends the same one.
   */
  seal(text, { own: mine, other: theirs }, to, edits = null) {
    return this.#alone(async () => {
      await this.#learn(mine);
      await this.#learn(theirs);
      const self = await this.#me();
      const listed = mine.devices.find(({ device }) => device.id === self.device);
      if (mine.user !== this.user || theirs.user !== to)
        throw new CannotSeal("untrusted_keys", "These are not the keys of the two of you.");
      if (listed?.device.identity !== self.raw)
        throw new CannotSeal("removed", "This browser is not among your devices any more.");
      // Always more, and by how much says when and not how many (MOD-4).
      const now = BigInt(Date.now()) * 1_000n;
      const sequence = now > self.sequence ? now : self.sequence + 1n;
      await this.#change(["self"], (selves) => selves.put({ ...self, sequence }, "self"));
      const header = headerOf(sequence, newId(), edits);
      const frankingKey = crypto.getRandomValues(new Uint8Array(FRANKING_KEY_SIZE));
      const commitment = await commitmentTo(text, frankingKey);
      const route = { tenant: this.tenant, sender: this.user, device: self.device, recipient: to };
      if (utf8.encode(text).length > LARGEST_TEXT)
        throw new CannotSeal("too_long", "This message is too long to be sealed. Send it in parts.");
      const content = padded(text, frankingKey);
      const parts = async (bundle) => {
        const sealed = bundle.devices.map(async ({ device, one_time: oneTime }) => {
          const key = oneTime ?? device.prekey;
          const named = namedKey(oneTime ? "one-time" : "prekey", key.number);
          const info = context(route, bundle.user, device.id, named, header, commitment);
          return [device.id, whole(named, await this.#sealed(content, bytesOf(key.public), info))];
        });
        return (await Promise.all(sealed)).sort(([a], [b]) => (a < b ? -1 : 1));
      };
      const told = {
        changes: [mine.key_changes, theirs.key_changes],
        header,
        commitment,
        own: await parts(mine),
        other: await parts(theirs),
      };
      const statement = await signedStatement(route, told);
      const signature = await crypto.subtle.sign(ED25519, self.identity.privateKey, statement);
      const envelope = spelledEnvelope({
        protocol: PROTOCOL,
        version: VERSION,
        device: self.device,
        signature: new Uint8Array(signature),
        ...told,
      });
      if (envelope.length > LARGEST_ENVELOPE)
        throw new CannotSeal("too_long", "This message is too long for so many devices. Send it in parts.");
      return envelope;
    });
  }

  /** Whether nothing was sealed here after this envelope. */
  async isNewest(text) {
    const self = await this.self();
    return readHeader(readEnvelope(text).header).sequence === self?.sequence;
  }

  async #sealed(content, key, info) {
    const recipientPublicKey = await this.#suite.kem.deserializePublicKey(key);
    const sender = await this.#suite.createSenderContext({ recipientPublicKey, info });
    const ciphertext = await sender.seal(content);
    return whole(new Uint8Array(sender.enc), new Uint8Array(ciphertext));
  }

  // Opening --------------------------------------------------------------------------------------

  /** What messages of the conversation with `partner` say to this device; never an error.
   *
   * Each is `{id, sender, envelope, sent_at_us, edited_at_us, tag}` and comes to `{text}` or to a
   * `{reason}`. What was opened is remembered, and its one-time key is gone. Senders' keys have to
   * be learned before.
   */
  open(messages, partner) {
    return this.#alone(async () => {
      const self = await this.self();
      const seen = new Map(); // by who wrote it, so that it is read once for all of these
      const found = [];
      for (const it of messages) {
        const what = this.#open(self, it, partner, seen).catch(() => ({ reason: "damaged" }));
        found.push(await what);
      }
      return found;
    });
  }

  async #open(self, message, partner, seen) {
    const envelope = readEnvelope(message.envelope ?? "");
    if (!envelope) return { reason: "nothing_sealed" };
    if (envelope.protocol !== PROTOCOL || envelope.version !== VERSION)
      return { reason: "unknown_protocol" };
    const isOwn = message.sender === this.user;
    const header = readHeader(envelope.header);
    if (!header || (!isOwn && message.sender !== partner)) return { reason: "damaged" };
    // Who was erased since has another name here; what was opened before was for the old one.
    if (isOwn && ERASED.test(partner))
      partner = (await this.#get("opened", message.id))?.partner ?? partner;
    const route = {
      tenant: this.tenant,
      sender: message.sender,
      device: envelope.device,
      recipient: isOwn ? partner : this.user,
    };
    const identity = (await this.#known(message.sender)).identities.get(envelope.device);
    if (!identity) return { reason: "unknown_device" };
    const statement = await signedStatement(route, envelope);
    if (!(await isSigned(bytesOf(identity), envelope.signature, statement)))
      return { reason: "damaged" };
    const writer = `${route.device} ${route.sender}`;
    if (!seen.has(writer)) seen.set(writer, await this.#openedOf(route));
    const others = seen.get(writer);
    const before = others.get(message.id);
    const reason = misplaced(message, header, before, [...others.values()], partner);
    if (reason) return { reason };
    if (before?.number === header.number) return { text: before.text };
    const found = await this.#fresh(self, message, envelope, header, route, partner);
    if (found.reason) return found;
    others.set(message.id, found);
    return { text: found.text };
  }

  async #openedOf({ sender, device }) {
    const writer = this.#db.transaction("opened").objectStore("opened").index("writer");
    const all = await answered(writer.getAll([sender, device]));
    return new Map(all.map((it) => [it.message, it]));
  }

  async #fresh(self, message, envelope, header, route, partner) {
    const isOwn = route.sender === this.user;
    const part = (isOwn ? envelope.own : envelope.other).find(([id]) => id === self?.device);
    if (!part) return { reason: "not_for_this_device" };
    const named = part[1].slice(0, KEY_NAME_SIZE);
    const count = new DataView(named.buffer).getUint32(1);
    const kind = named[0] === 1 ? "one-time" : "prekey";
    const key = await this.#get("keys", [kind, count]);
    if (!key) return { reason: "key_gone" };
    const { commitment } = envelope;
    const info = context(route, this.user, self.device, named, envelope.header, commitment);
    const ciphertext = part[1].slice(KEY_NAME_SIZE);
    const recipient = await this.#suite.createRecipientContext({
      recipientKey: key.pair,
      enc: ciphertext.slice(0, ENCAPSULATED_SIZE),
      info,
    });
    const content = await recipient.open(ciphertext.slice(ENCAPSULATED_SIZE));
    const { text, frankingKey } = unpadded(new Uint8Array(content));
    // A text that could not be proven to a moderator is none that is shown.
    if (spelled(await commitmentTo(text, frankingKey)) !== spelled(commitment))
      return { reason: "damaged" };
    const kept = {
      message: message.id,
      text,
      key: spelled(frankingKey),
      sequence: header.sequence,
      number: header.number,
      sender: route.sender,
      device: route.device,
      partner,
      isEdit: header.edits !== null,
      sent_at_us: message.sent_at_us,
      edited_at_us: message.edited_at_us ?? null,
      tag: message.tag ?? null,
    };
    await this.#change(["self", "keys", "opened"], (selves, keys, texts) => {
      texts.put(kept);
      if (kind === "prekey") return;
      keys.delete([kind, count]);
      self.used += 1;
      selves.put(self, "self");
    });
    return kept;
  }

  /** The text of a message that was opened here, whatever became of it; nothing for any other. */
  async remembered(message) {
    return (await this.#get("opened", message))?.text ?? null;
  }

  /** What proves a message of the other's that was opened here, for a report; nothing for others. */
  async disclosure(message) {
    const kept = await this.#get("opened", message);
    if (!kept?.tag) return null;
    const { sender, text, sent_at_us, edited_at_us, tag, key } = kept;
    return { message, sender, text, sent_at_us, edited_at_us, tag, key };
  }

  /** Forget what messages said. */
  forget(messages) {
    return this.#alone(() => this.#forget(messages));
  }

  /** Forget all that was said between this user and `partner`. */
  forgetAll(partner) {
    return this.#alone(async () => {
      const theirs = (await this.#all("opened")).filter((it) => it.partner === partner);
      await this.#forget(theirs.map((it) => it.message));
    });
  }

  async #forget(messages) {
    await this.#change(["opened"], (texts) => messages.forEach((it) => texts.delete(it)));
  }
}

