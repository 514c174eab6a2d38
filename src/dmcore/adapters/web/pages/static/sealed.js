// What pages do where conversations are sealed, or can be: open what is shown, seal what is written,
// and say how it stands (ADR 65). The device is sealing.js; here is what one sees of it. A text is
// put into a page as text alone, and what is not opened is never sent or shown in another way.

const PLACEHOLDER = "This message cannot be opened on this device.";
const LONGEST_EXCERPT = 160;

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector, within = document) => within?.querySelector(selector);
const number = (text) => (text === undefined ? null : Number(text));

/** A no that repeating does not change, in words for the person. */
const no = (words, code = "", status = 409) =>
  Object.assign(new Error(words), { isFinal: true, status, code });

/** The beginning of a text, on one line. */
const excerpt = (text) => [...text].slice(0, LONGEST_EXCERPT).join("").split(/\s+/).join(" ").trim();

/** What the page of somebody can do with sealed messages; `ask` asks the interface. */
export async function begin({ page, ask }) {
  const { dmMe: me, dmTenant: tenant = "", dmSealing, dmHpke } = page.dataset;
  const { CannotSeal, Device, lacks } = await import(dmSealing);
  const hpke = await import(dmHpke);
  let lack = await lacks();
  const device = lack ? null : await Device.here(me, tenant, hpke).catch(() => null);
  if (!lack && !device) lack = "This browser keeps nothing, so it can be no device.";
  return new Sealed(page, ask, me, device, lack, CannotSeal).begun();
}

class Sealed {
  #ask;
  #cannot;
  #device;
  #lack;
  #me;
  #page;
  #section;
  #trouble = null; // why keys are not trusted
  #isShown = false; // whether a report has what it shows
  #isListed = false; // whether this browser is one of the user's devices
  #told; // whose device is the new one that is told of

  constructor(page, ask, me, device, lack, cannot) {
    this.#cannot = cannot;
    this.#page = page;
    this.#ask = ask;
    this.#me = me;
    this.#device = device;
    this.#lack = lack;
    this.#section = one("[data-dm-other]", page);
  }

  get #other() {
    return this.#section?.dataset.dmOther;
  }

  get #name() {
    return one(".dm-title", this.#section)?.textContent.trim();
  }

  get #box() {
    return one("[data-dm-seals]", this.#page);
  }

  get #isSealed() {
    return this.#box?.dataset.dmSeals === "sealed";
  }

  async begun() {
    for (const it of all("[data-dm-does]", this.#page))
      it.addEventListener("click", () => this.#done(it));
    one("[data-dm-number]", this.#page)?.addEventListener("toggle", () => this.#showNumber());
    const report = one("[data-dm-report]", this.#page);
    report?.addEventListener("submit", (event) => this.#report(event));
    if (this.#device && (this.#box || one("[data-dm-devices]", this.#page))) await this.#lookAtDevices();
    // A history that was cleared is nobody's to read, here neither.
    if (this.#box && !one("[data-dm-message]", this.#section) && !location.search)
      await this.#device?.forgetAll(this.#other);
    await this.look();
    return this;
  }

  // How it stands --------------------------------------------------------------------------------

  async #lookAtDevices() {
    const self = await this.#device.self();
    const { items } = await this.#ask("GET", "/devices");
    this.#isListed = items.some((it) => it.id === self?.device && it.identity === self.raw);
    for (const it of all("[data-dm-device]", this.#page))
      one("[data-dm-this]", it).hidden = it.dataset.dmDevice !== self?.device;
    return items;
  }

  /** See whose keys there are, and say how it stands. */
  async look() {
    if (!this.#box) return;
    if (this.#isSealed && this.#isListed) {
      await this.#learn();
      if (!this.#trouble) await this.#renew();
    }
    await this.#say();
  }

  /** Verify the keys of the two. What is wrong with them is said, and nothing is sealed then. */
  async #learn() {
    try {
      const items = await this.#lookAtDevices();
      const devices = items.map((it) => ({ device: it, one_time: null }));
      await this.#device.learn({ user: this.#me, devices });
      const others = await this.#keysOf(this.#other);
      if (others) await this.#device.learn(others);
      this.#trouble = null;
    } catch (error) {
      if (!(error instanceof this.#cannot)) throw error;
      this.#trouble = error;
    }
  }

  /** Nothing where the two have no conversation yet: the claim has the keys then. */
  async #keysOf(user) {
    if (!this.#section.dataset.dmThread) return null;
    try {
      return await this.#ask("GET", `/users/${encodeURIComponent(user)}/keys`);
    } catch (error) {
      if (error.status === 403) return null;
      throw error;
    }
  }

  /** Other prekeys now and then; where that fails the old ones still do. */
  async #renew() {
    if (!(await this.#device.isStale())) return;
    const { device, ...keys } = await this.#device.renewal();
    const done = this.#ask("PUT", `/devices/${device}/keys`, { body: keys });
    await done.then(() => this.#device.confirmed()).catch(() => {});
  }

  async #say(besides = "") {
    const isReady = this.#isListed && !this.#trouble;
    const self = this.#device && (await this.#device.self());
    const [words, ...acts] = this.#lack
      ? [this.#lack]
      : !this.#isSealed
        ? ["Whoever runs this site could read what is written here.", "seal"]
        : !this.#isListed
          ? [
              self
                ? "This browser is not among your devices any more, so it cannot read or write here."
                : "This browser is no device of yours yet, so it cannot read or write here.",
              "enrol",
            ]
          : this.#trouble
            ? [
                `${this.#trouble.message} Nothing is sent until that is settled.`,
                ...(this.#trouble.code === "keys_changed_since" ? ["accept"] : []),
              ]
            : await this.#standing(this.#name);
    const [strong] = all("strong", this.#box);
    const line = one("[data-dm-seals-words]", this.#box);
    line.replaceChildren(strong, ` ${words} ${besides}`.trimEnd());
    for (const it of all("[data-dm-does]", this.#box)) it.hidden = !acts.includes(it.dataset.dmDoes);
    const digits = one("[data-dm-number]", this.#box);
    digits.hidden = !this.#isSealed || !this.#isListed;
    one("[data-dm-does=compared]", digits).hidden = false;
    const writing = one("[data-dm-seals-writing]", this.#page);
    if (writing) writing.disabled = !isReady;
    if (digits.open) await this.#showNumber();
    this.#box.dataset.dmReady = String(isReady && this.#isSealed);
  }

  async #standing(name) {
    const [theirs, mine] = [await this.#device.standing(this.#other), await this.#device.standing(this.#me)];
    this.#told = mine.isChanged ? this.#me : this.#other;
    if (mine.isChanged)
      return [
        "A device was added to your account. If that was not you, remove it in your settings: it reads along.",
        "noticed",
      ];
    if (theirs.isChanged)
      return [
        `${name} has another device since you last looked. To be certain that it is theirs, compare your number.`,
        "noticed",
      ];
    const certain = theirs.isCompared ? " You compared your number." : "";
    return [`Only you and ${name} can read this.${certain}`];
  }

  async #showNumber() {
    const digits = await this.#device.safetyNumber(this.#other);
    one("[data-dm-digits]", this.#box).textContent = digits;
  }

  // What one presses -----------------------------------------------------------------------------

  async #done(button) {
    const acts = {
      seal: () => this.#sealThread(),
      enrol: () => this.#enrol(),
      accept: () => this.#device.acceptChanges(this.#other),
      noticed: () => this.#device.noticed(this.#told),
      compared: () =>
        this.#device.compared(this.#other, one("[data-dm-digits]", this.#box).textContent),
    };
    button.disabled = true;
    try {
      if (await acts[button.dataset.dmDoes]()) return location.reload();
      await this.look();
    } catch (error) {
      await this.#say(error.message);
    } finally {
      button.disabled = false;
    }
  }

  /** Be one of the user's devices. */
  async #enrol() {
    const { device, ...keys } = await this.#device.enrolment();
    await this.#ask("PUT", `/devices/${device}`, { body: keys });
    await this.#device.confirmed();
    return true;
  }

  async #sealThread() {
    if (!this.#isListed) await this.#enrol();
    this.#isListed = true;
    const { devices } = await this.#keysOf(this.#other);
    if (!devices.length)
      throw no(
        `${this.#name} has no device yet. This browser is one of yours now: as soon as ${this.#name} has one, either of you can seal.`,
      );
    await this.#ask("POST", `/threads/${this.#section.dataset.dmThread}/seal`);
    return true;
  }

  // Opening --------------------------------------------------------------------------------------

  /** Open what is sealed in a piece of a page. Returns what puts the texts into it. */
  async opened(within) {
    const sealed = all("[data-dm-sealed]", within);
    const messages = sealed.map((it) => {
      const item = it.closest("[data-dm-message]").dataset;
      return {
        id: item.dmMessage,
        sender: "dmMine" in item ? this.#me : this.#other,
        envelope: it.dataset.dmSealed,
        sent_at_us: number(it.dataset.dmSentUs),
        edited_at_us: number(it.dataset.dmEditedUs),
        tag: it.dataset.dmTag ?? null,
      };
    });
    const found = messages.length && this.#device ? await this.#found(messages) : [];
    const says = all("[data-dm-says]", within);
    const remembered = await Promise.all(says.map((it) => this.#device?.remembered(it.dataset.dmSays)));
    return () => {
      sealed.forEach((it, at) => {
        show(it, found[at]?.text);
        if (found[at]?.text) this.#offerChange(it.closest("[data-dm-message]"));
      });
      if (this.#isSealed) markClear(within);
      says.forEach((it, at) => {
        const text = remembered[at];
        if (text) it.textContent = it.matches(".dm-quoted") ? text : excerpt(text);
      });
    };
  }

  /** Where one may change what one wrote, the menu of an own message says so. */
  #offerChange(item) {
    if (!("dmChanges" in item.dataset) || one("[data-dm-change]", item)) return;
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: "Edit" });
    button.dataset.dmChange = item.dataset.dmMessage;
    one(".dm-menu-box > a", item)?.after(button);
  }

  async #found(messages) {
    const found = await this.#device.open(messages, this.#other);
    if (!this.#isListed || found.every((it) => it.reason !== "unknown_device")) return found;
    // Somebody has a device that is new.
    await this.#learn();
    await this.#say();
    return this.#device.open(messages, this.#other);
  }

  /** A message was hidden. */
  async forget(message) {
    await this.#device?.forget([message]);
  }

  // Sealing --------------------------------------------------------------------------------------

  /** Whether nothing was sealed in this browser after an envelope. */
  async isNewest(envelope) {
    return (await this.#device?.isNewest(envelope)) ?? true;
  }

  /** The envelope of a text for the other. It is sent again as it is until it is acknowledged. */
  async seal(text, edits = null) {
    const fault = this.#fault(text);
    if (fault) throw no(fault, "invalid_body", 422);
    if (!this.#device || !this.#isListed) throw no("This browser is no device of yours.");
    const claim = await this.#ask("POST", "/key-claims", { body: { user: this.#other } });
    try {
      const envelope = await this.#device.seal(text, claim, this.#other, edits);
      await this.#say();
      return envelope;
    } catch (error) {
      if (!(error instanceof this.#cannot)) throw no("This could not be sealed. Please try again.");
      if (error.code === "too_long") throw no(error.message, error.code, 422);
      this.#trouble = error;
      await this.#say();
      throw no(error.message, error.code);
    }
  }

  /** What is wrong with a text, in the words that the site has for it: nobody else can look. */
  #fault(text) {
    const { dmLongest, dmLargest, dmEmoji } = this.#box.dataset;
    const parts = "Send it in parts.";
    if ([...text].length > Number(dmLongest))
      return `This message is too long: it can have ${dmLongest} characters. ${parts}`;
    if (new TextEncoder().encode(text).length > Number(dmLargest))
      return `This message is too long: it can have ${dmLargest} bytes. ${parts}`;
    if (/[\0\ud800-\udfff]/u.test(text)) return "This text holds characters that cannot be sent.";
    if (!/[^\p{Cc}\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\u{1d159}]/u.test(text))
      return "Write something that can be seen.";
    if (dmEmoji && new RegExp(`[${dmEmoji}]`, "u").test(text))
      return "Emoji are not accepted here. Please write it in words.";
    return "";
  }

  // Reporting ------------------------------------------------------------------------------------

  /** Show moderators what was opened here of the messages that are ticked, with what proves it. */
  async #report(event) {
    const form = event.target;
    if (event.submitter?.name === "before" || this.#isShown) return;
    event.preventDefault();
    for (const it of all("[name^=shown-]", form)) it.remove();
    const ticked = [...new FormData(form).keys()].filter((it) => it.startsWith("item-"));
    for (const name of ticked) {
      // What cannot be shown now is named all the same.
      const shown = await this.#device?.disclosure(name.slice("item-".length)).catch(() => null);
      if (!shown) continue;
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: `shown-${shown.message}`, value: JSON.stringify(shown) });
      form.append(field);
    }
    this.#isShown = true;
    form.requestSubmit(event.submitter);
    this.#isShown = false;
  }
}

/** Where all is sealed, what is not could be anybody's word: that is told of each, and it stays. */
function markClear(within) {
  for (const it of all("[data-dm-message] .dm-bubble:not(.dm-deleted)", within)) {
    if (one("[data-dm-sealed], [data-dm-clear]", it)) continue;
    const mark = Object.assign(document.createElement("span"), { textContent: "Not sealed" });
    mark.dataset.dmClear = "";
    one("a[href*='edit=']", it.closest("[data-dm-message]"))?.remove();
    one(".dm-meta", it).prepend(mark);
  }
}

function show(place, text) {
  const words = Object.assign(document.createElement("em"), { textContent: PLACEHOLDER });
  place.replaceChildren(text ?? words);
}
