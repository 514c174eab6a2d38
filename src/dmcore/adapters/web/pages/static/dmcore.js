// What the pages do besides, where scripts run; every page works without, and when this fails.
// Markup of messages and entries comes from the server alone: here it is fetched, compared and put
// in place. Nothing is written to the console.

const MOST_ITEMS = 300; // of a thread, in the page at once, however long the thread is
const TYPING_EVERY = 3_000;
const TYPING_SHOWN = 6_000;
const PRESENCE_EVERY = 25_000;
const BADGE_EVERY = 30_000; // on a page of the host's own, while one looks at it
const REST_AFTER = 30_000; // hidden for so long, a page gives its stream back
const AT_END = 80; // so many pixels from the end still are the end
const SOON = 400; // so many pixels before one gets there, more is fetched
const TARGETS = "a, button, summary";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector, within = document) => within?.querySelector(selector);

const page = one("[data-dm]");
const { dmApi: api, dmMe: me, dmLive: kind } = page?.dataset ?? {};
// A page of the host's own says nothing of it: there it is where this file comes from.
const root = page?.dataset.dmRoot ?? new URL("..", import.meta.url).pathname.slice(0, -1);
const pollEvery = Number(page?.dataset.dmPollMs) || 5_000;
const section = one("[data-dm-thread]");
const thread = section?.dataset.dmThread;
const place = `/threads/${thread}`;
const list = one("[data-dm-messages]", section);
const jump = one("[data-dm-jump]", section);
const typing = one("[data-dm-typing]", section);

// --- asking ---------------------------------------------------------------------------------------

const SIGNED_OUT = "You are signed out. Sign in again, in another tab: your text stays here.";

/** The server's no, in its words for the person. */
class Refused extends Error {
  constructor(status, words = "This did not work. Please try again later.", seconds = 0, code = "") {
    super(status === 401 ? SIGNED_OUT : words);
    Object.assign(this, { status, seconds, code, isFinal: ![408, 502, 503, 504].includes(status) });
  }
}

async function fetched(url, options, seconds = 15) {
  const signal = AbortSignal.timeout(seconds * 1000);
  const answer = await fetch(url, { cache: "no-store", signal, ...options });
  // A host may send whoever is signed out to a page of its own.
  if (answer.redirected) throw new Refused(401);
  if (answer.ok) return answer;
  const { notice, code } = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, notice, Number(answer.headers.get("Retry-After")), code);
}

async function ask(method, path, { body, key, seconds } = {}) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const options = { method, headers, body: JSON.stringify(body) };
  const answer = await fetched(api + path, options, seconds);
  return answer.status === 204 ? null : answer.json();
}

async function fragment(name, query, selector) {
  const given = Object.entries(query).filter(([, value]) => value);
  const answer = await fetched(`${root}/fragments/${name}?${new URLSearchParams(given)}`);
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  localise(template.content);
  await openWithin(template.content);
  const found = one(selector, template.content);
  if (!found) throw new Refused(500);
  return found;
}

// Not all at the same moment: after a cut, everybody would come back at once.
const backoff = (tries) => Math.min(30_000, 500 * 2 ** tries) * (0.75 + Math.random() / 2);

/** Wait so many milliseconds, or until the network is back. */
function pause(milliseconds) {
  const over = new AbortController();
  return new Promise((done) => {
    setTimeout(done, milliseconds);
    addEventListener("online", done, over);
  }).finally(() => over.abort());
}

// Sending and refreshing take turns, so that no bubble stands beside the message that it became.
let line = Promise.resolve();
const inTurn = (work) => (line = line.catch(() => {}).then(() => work()));

// What has to be fetched, each thing once. It stays until it is done: the feed tells a fact once.
const due = new Map();
let isFetching = false;

async function later(name, work) {
  due.set(name, work);
  if (isFetching) return;
  isFetching = true;
  for (let tries = 0; due.size; ) {
    const [[first, next]] = due;
    due.delete(first);
    try {
      await inTurn(next);
      tries = 0;
    } catch (error) {
      if (error.isFinal) continue;
      if (!due.has(first)) due.set(first, next);
      await pause(backoff(tries++));
    }
  }
  isFetching = false;
}

// --- what is sealed -------------------------------------------------------------------------------

// Another module opens and seals (ADR 65). It is fetched where there is something for it alone.
const SEALING = "[data-dm-seals], [data-dm-sealed], [data-dm-says], [data-dm-devices]";
const isSealed = Boolean(one("[data-dm-seals=sealed]"));
let sealing;

async function sealed() {
  sealing ??= import(page.dataset.dmSealed).then((it) => it.begin({ page, ask }));
  try {
    return await sealing;
  } catch (error) {
    sealing = undefined;
    throw error;
  }
}

/** Open what is sealed in it. Returns what puts the texts there. */
async function unsealed(within) {
  if (!page.dataset.dmSealed || !one(SEALING, within)) return () => {};
  return (await sealed()).opened(within);
}

/** The same at once, for what is not shown yet. Where that fails it is tried again when it is. */
async function openWithin(content) {
  try {
    (await unsealed(content))();
  } catch {
    openPage();
  }
}

let isOpening = false;

/** Open all that is there; a network may need a while for that. */
async function openPage() {
  if (isOpening) return;
  isOpening = true;
  for (let tries = 0; tries < 10; tries += 1) {
    try {
      const show = await unsealed(page);
      if (list) holding(show);
      else show();
      break;
    } catch (error) {
      if (error.isFinal) break;
      await pause(backoff(tries));
    }
  }
  isOpening = false;
}

// --- saying ---------------------------------------------------------------------------------------

const status = one("[data-dm-status]");
const voice = document.createElement("p"); // what one sees anyway, for those who listen
let ticking;
let isCut = false;

/** Say something; a refusal is seen and heard as on a page that the server made for it. */
function say(words, isRefusal = false) {
  clearInterval(ticking);
  ticking = null;
  if (!status) return;
  for (const name of ["dm-note", "dm-alert"]) status.classList.toggle(name, isRefusal);
  status.role = isRefusal ? "alert" : "status";
  status.ariaLive = isRefusal ? "assertive" : "polite";
  status.textContent = words;
  const isAboutText = isRefusal && text?.value;
  for (const [name, value] of [["aria-invalid", "true"], ["aria-describedby", status.id]])
    if (isAboutText) text.setAttribute(name, value);
    else text?.removeAttribute(name);
}

/** Count down for the eye; a voice tells the beginning and the end alone. */
function countDown(words, seconds) {
  const show = () => (status.textContent = `${words} Try again in ${seconds} s.`);
  say("", true);
  show();
  ticking = setInterval(() => {
    seconds -= 1;
    if (seconds <= 0) return say("You can send again.");
    status.ariaLive = "off";
    show();
  }, 1000);
}

function connected(yes, code) {
  if (yes === !isCut) return;
  isCut = !yes;
  const isOff = code === "messaging_unavailable";
  const why = isOff ? "Messages are switched off at the moment." : "No connection.";
  if (!ticking) say(yes ? "Connected again." : `${why} Trying again …`);
}

// --- times ----------------------------------------------------------------------------------------

// The server tells times in UTC; here they are the reader's own, in the same order of day and month.
function readable(language) {
  try {
    return Intl.getCanonicalLocales(language)[0];
  } catch {} // a frame may write it as no language is written: en_US
}

const language = readable(document.documentElement.lang.replace(/^en$/, "")) ?? "en-GB";
const format = (parts) => new Intl.DateTimeFormat(language, parts);
const clock = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const date = format({ day: "numeric", month: "short" });
const longAgo = format({ day: "numeric", month: "short", year: "numeric" });
const weekday = format({ weekday: "short" });
const day = format({ weekday: "long", day: "numeric", month: "long", year: "numeric" });

const INSTANT = "time[datetime*=T]";

/** When something was last written, as short as it is not mistaken: only today has an hour. */
function lately(when) {
  const now = new Date();
  if (when.toDateString() === now.toDateString()) return clock.format(when);
  const days = (now - when) / 86_400_000;
  if (days > 0 && days < 6) return weekday.format(when);
  return (when.getFullYear() === now.getFullYear() ? date : longAgo).format(when);
}

/** The day and the time, for what may be long ago or far ahead. */
function moment(when) {
  const isThisYear = when.getFullYear() === new Date().getFullYear();
  return `${(isThisYear ? date : longAgo).format(when)}, ${clock.format(when)}`;
}

function localise(within) {
  for (const it of all(INSTANT, within)) {
    const when = new Date(it.dateTime);
    const isInList = it.closest(".dm-time");
    if (it.matches(".dm-when")) it.textContent = moment(when);
    else it.textContent = isInList ? lately(when) : clock.format(when);
    if (isInList) it.title = `${date.format(when)}, ${clock.format(when)}`;
  }
}

/** A day begins in the thread where it begins for the reader. */
function markDays() {
  let before;
  for (const it of items()) {
    const now = day.format(new Date(one(INSTANT, it).dateTime));
    let mark = one(".dm-day", it);
    if (now === before) mark?.remove();
    else {
      if (!mark) it.prepend((mark = document.createElement("p")));
      Object.assign(mark, { className: "dm-day", textContent: now });
    }
    before = now;
  }
}

// --- the list and the badge -----------------------------------------------------------------------

/** Put a new rendering in the place of an old one; what was open or focused in it stays so. */
function swap(old, fresh) {
  // What one reads tells whether it is new: links name the page that they came with.
  const words = (it) => (one(".dm-bubble", it) ?? it).textContent;
  if (words(old) === words(fresh)) return old;
  const open = all("details", old).map((it) => it.open);
  all("details", fresh).forEach((it, count) => (it.open = open[count] ?? false));
  const focused = all(TARGETS, old).indexOf(document.activeElement);
  Object.assign(fresh, { older: fresh.older ?? old.older, newer: fresh.newer ?? old.newer });
  old.replaceWith(fresh);
  all(TARGETS, fresh)[focused]?.focus({ preventScroll: true });
  return fresh;
}

async function refreshList() {
  const shown = one("[data-dm-list]");
  // Further pages of the list are looked at, not followed.
  if (!shown || new URLSearchParams(location.search).has("cursor")) return;
  const query = { folder: shown.dataset.dmFolder, thread };
  const fresh = await fragment("list", query, "[data-dm-list]");
  const asks = "dmAsked" in fresh.dataset;
  for (const it of all("[data-dm-asked-mark]")) it.hidden = !asks;
  if (shown.textContent === fresh.textContent) return;
  const entry = document.activeElement.closest("[data-dm-entry]");
  const focused = entry && all(TARGETS, entry).indexOf(document.activeElement);
  shown.replaceChildren(...fresh.children);
  const same = (it) => it.dataset.dmEntry === entry?.dataset.dmEntry;
  const now = all("[data-dm-entry]", shown).find(same);
  if (now) all(TARGETS, now)[focused]?.focus({ preventScroll: true });
}

async function refreshBadge() {
  const shown = all("[data-dm-badge]");
  const fresh = shown.length && (await fragment("badge", {}, "[data-dm-badge]"));
  for (const it of shown) it.replaceWith(fresh.cloneNode(true));
}

/** The badge is all there is on a page of the host's own: it is asked for now and then. */
function beginBadge() {
  const refresh = () => document.hidden || later("badge", refreshBadge);
  setInterval(refresh, BADGE_EVERY);
  document.addEventListener("visibilitychange", refresh);
  addEventListener("pageshow", (event) => event.persisted && refresh());
}

function refreshAround() {
  later("list", refreshList);
  later("badge", refreshBadge);
}

// --- the thread -----------------------------------------------------------------------------------

const items = () => all("[data-dm-message]", list);
const idOf = (it) => it?.dataset.dmMessage;
const isMine = (it) => "dmMine" in it.dataset;
const item = (id) => id && items().find((it) => idOf(it) === id);

let hasEnd = true; // whether the newest message is among those shown
let isFollowing = true; // whether the end was in view when one last scrolled
let hasNews = false; // whether something arrived below that was not looked at yet

/** The items of a page. Its cursors stay with the items at its ends, as long as these are shown. */
function itemsOf(source) {
  const found = [...source.children];
  if (found.length) {
    found[0].older = source.dataset.dmOlder;
    found.at(-1).newer = source.dataset.dmNewer;
  }
  return found;
}

async function askPage(query) {
  const source = await fragment(`thread/${thread}`, query, "[data-dm-messages]");
  return { found: itemsOf(source), more: "dmMore" in source.dataset };
}

// What scrolls: the messages alone, or the page where a host lets them be as long as they are.
const inner = list?.closest(".dm-scroll");
const isPage = !inner || !/auto|scroll/.test(getComputedStyle(inner).overflowY);
const box = isPage ? document.scrollingElement : inner;
const below = () => box.scrollHeight - box.scrollTop - box.clientHeight;
const isAtEnd = () => below() < AT_END;
const toEnd = (behavior = "instant") => box.scrollTo({ top: box.scrollHeight, behavior });

/** The way to the newest: when something arrived there, and when one is far from it. */
function showJump() {
  if (!jump) return;
  const isThere = hasEnd && isAtEnd();
  if (isThere) hasNews = false;
  jump.textContent = hasNews ? "New messages" : "Newest messages";
  jump.hidden = isThere || (!hasNews && hasEnd && below() < box.clientHeight);
}

/** Change the list: the end stays the end, and else what is looked at stays where it is. */
function holding(change) {
  const wasAtEnd = hasEnd && isAtEnd();
  const edge = isPage ? 0 : box.getBoundingClientRect().top;
  const looked = items().find((it) => it.getBoundingClientRect().bottom > edge);
  const before = looked?.getBoundingClientRect().top;
  change();
  markDays();
  const still = item(idOf(looked));
  if (wasAtEnd && hasEnd) toEnd();
  else if (still) box.scrollTop += still.getBoundingClientRect().top - before;
  list.dataset.dmOlder = list.firstElementChild?.older ?? "";
  list.dataset.dmNewer = list.lastElementChild?.newer ?? "";
  showJump();
}

/** Let go of whole pages at one end while more is shown than should be. */
function trim(end, cursor) {
  if (list.childElementCount <= MOST_ITEMS) return false;
  while (list.childElementCount > MOST_ITEMS || !list[end][cursor]) list[end].remove();
  return true;
}

async function loadOlder() {
  const before = list.firstElementChild?.older;
  if (!before || box.scrollTop > SOON) return;
  const { found } = await askPage({ before });
  holding(() => {
    list.prepend(...found.filter((it) => !item(idOf(it))));
    if (trim("lastElementChild", "newer")) hasEnd = false;
  });
  look();
}

/** A page of what follows. Who reads further up is only told of it, where there is no room. */
async function loadNewer() {
  // What follows the newest of all is news; what follows an older one was there before.
  const isNews = hasEnd;
  const { found, more } = await askPage({ after: list.lastElementChild?.newer });
  const fresh = found.filter((it) => !item(idOf(it)));
  const wasAtEnd = hasEnd && isAtEnd();
  if (more && wasAtEnd) return loadNewest();
  if (hasEnd && !wasAtEnd && list.childElementCount + fresh.length > MOST_ITEMS) hasEnd = false;
  else {
    holding(() => {
      list.append(...fresh);
      trim("firstElementChild", "older");
      hasEnd = !more;
    });
  }
  arrived(isNews ? fresh : []);
  if (fresh.length) look();
}

/** The newest page, instead of everything that is there. */
async function loadNewest() {
  const { found } = await askPage({});
  holding(() => list.replaceChildren(...found));
  hasEnd = true;
  toEnd();
  arrived([]);
  look();
}

async function follow() {
  if (hasEnd) return loadNewer();
  hasNews = true;
  voice.textContent = "New message.";
  showJump();
}

function arrived(fresh) {
  for (const it of [...waiting.children]) if (item(it.becomes)) it.remove();
  if (items().length) one(".dm-empty", section)?.remove();
  const count = fresh.filter((it) => idOf(it) && !isMine(it)).length;
  if (count) {
    heardAt = Date.now();
    showTyping(false);
    voice.textContent = count > 1 ? `${count} new messages.` : "New message.";
    hasNews = true;
  }
  showJump();
  markRead();
}

/** Show the page around a message as it is now. Returns its first message if that was news. */
async function refreshPage(id) {
  const shown = [...list.children];
  const at = shown.indexOf(item(id));
  if (at < 0) return null;
  const after = shown.slice(0, at).findLast((it) => it.newer)?.newer;
  const before = shown.slice(at + 1).find((it) => it.older)?.older;
  const { found } = await askPage(after ? { after } : { before });
  let isNews = false;
  holding(() => {
    for (const it of found) {
      const old = item(idOf(it));
      if (old && swap(old, it) !== old) isNews = true;
    }
  });
  return isNews ? idOf(found[0]) : null;
}

/** The other has seen my messages up to this one: page by page upwards, as far as it is news. */
async function refreshSeen(through) {
  const mine = (fits) => idOf(items().findLast((it) => isMine(it) && fits(idOf(it))));
  let id = mine((it) => it <= through);
  while (id) {
    const first = await refreshPage(id);
    id = first && mine((it) => it < first);
  }
}

function drop(gone) {
  if (!gone) return;
  const { previousElementSibling: before, nextElementSibling: after } = gone;
  if (before) before.newer ??= gone.newer;
  if (after) after.older ??= gone.older;
  holding(() => gone.remove());
}

/** Hide or delete where one reads: another page would begin at the end of the thread. */
async function takenAway(event) {
  const action = event.submitter?.getAttribute("formaction") ?? event.target.action;
  const [, id, what] = /\/m\/([^/]+)\/(hide|delete)$/.exec(action) ?? [];
  if (!id) return;
  event.preventDefault();
  const gone = item(id);
  const near = gone?.nextElementSibling ?? gone?.previousElementSibling;
  try {
    const path = `${place}/messages/${id}`;
    await (what === "hide" ? ask("POST", `${path}/hide`) : ask("DELETE", path));
    if (what === "hide") drop(item(id));
    else await inTurn(() => refreshPage(id));
    voice.textContent = what === "hide" ? "Hidden." : "Deleted.";
    one("summary", item(id) ?? near)?.focus({ preventScroll: true });
  } catch (error) {
    say(error.isFinal ? error.message : "This did not work. Try again.", true);
  }
}

/** Fetch more in time, where one comes near what is not there. */
function look() {
  if (list.firstElementChild?.older && box.scrollTop < SOON) later("above", loadOlder);
  if (!hasEnd && below() < SOON) later("below", () => below() < SOON && loadNewer());
}

// --- reading, typing, being there -----------------------------------------------------------------

let marked = "";
let typedAt = 0;
let heardAt = 0;
let typingEnds;

/** What is really looked at is read: nothing in a hidden window, nothing below its edge. */
async function markRead() {
  if (!list || document.hidden || !document.hasFocus() || !hasEnd || !isAtEnd()) return;
  const through = idOf(items().findLast((it) => !isMine(it)));
  if (!through || through <= marked) return;
  const before = marked;
  marked = through;
  try {
    await ask("POST", `${place}/read`, { body: { through } });
    for (const it of all('form[action$="/read"]', section)) it.hidden = true;
    if (kind === "poll") refreshAround();
  } catch (error) {
    if (!error.isFinal) marked = before;
  }
}

function showTyping(yes) {
  clearTimeout(typingEnds);
  if (yes) typingEnds = setTimeout(showTyping, TYPING_SHOWN, false);
  if (!typing || typing.hidden === !yes) return;
  const wasAtEnd = isAtEnd();
  typing.hidden = !yes;
  if (wasAtEnd) toEnd();
}

function tellTyping() {
  if (Date.now() - typedAt < TYPING_EVERY) return;
  typedAt = Date.now();
  ask("POST", `${place}/typing`).catch(() => {});
}

async function lookAround() {
  if (!thread || document.hidden) return;
  const there = await ask("GET", `${place}/presence`).catch(() => ({}));
  const shown = one("[data-dm-presence]", section);
  if (shown) shown.hidden = !there.is_present;
  // Who has just sent what they were typing is told to be typing for a while yet.
  if (Date.now() - heardAt > TYPING_SHOWN) showTyping(Boolean(there.is_typing));
}

// --- writing --------------------------------------------------------------------------------------

const form = one("form.dm-composer");
const text = one("textarea[name=body]", form);
const keyField = one("input[name=key]", form);
const pattern = one("template[data-dm-pending]", section);

const receiver = form?.elements.user?.value; // whom one writes to for the first time

const outbox = []; // { key, body, reply_to, bubble }, in the order of writing
const held = []; // the same, refused: what becomes of each is the writer's to say
const waiting = document.createElement("ol"); // the bubbles of these

// Not randomUUID: that is there on secure addresses only, and not on a phone in the same house.
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");
}

// What is written and not sent yet outlives the page, as long as its tab is open. A browser may
// refuse to keep anything: then the page alone does.
const isEdit = Boolean(form) && !keyField && !receiver; // another text for a message of one's own
const shelf = `dmcore ${me} ${receiver ? `to ${receiver}` : isEdit ? form.action : thread}`;
const begun = `dmcore ${me} begun`; // names the shelf of what the browser itself has sent
let returned; // { key, body } of what was refused last: it may have been stored before

function keep() {
  const plain = (isHeld) => ({ bubble, ...letter }) => ({ ...letter, isHeld });
  const letters = [...held.map(plain(true)), ...outbox.map(plain(false))];
  const written = changing ? changing.before : text.value;
  const draft = isEdit && written === text.defaultValue ? "" : written;
  try {
    if (!draft && !letters.length) sessionStorage.removeItem(shelf);
    else sessionStorage.setItem(shelf, JSON.stringify({ draft, letters, returned }));
  } catch {}
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(shelf)) ?? {};
  } catch {
    return {};
  }
}

/** What the browser itself sends, the page that it leads to clears up after. */
function clearBegun() {
  try {
    const sent = sessionStorage.getItem(begun);
    // Back where it was written, for it was refused.
    if (sent !== shelf) sessionStorage.removeItem(sent);
    sessionStorage.removeItem(begun);
  } catch {}
}

function fit() {
  text.rows = 1;
  while (text.scrollHeight > text.clientHeight && text.rows < 8) text.rows += 1;
}

function bubbleOf(letter) {
  const bubble = pattern.content.firstElementChild.cloneNode(true);
  one("[data-dm-text]", bubble).textContent = letter.body;
  waiting.append(bubble);
  list.after(waiting);
  return bubble;
}

function post({ isHeld, ...letter }) {
  outbox.push({ ...letter, bubble: bubbleOf(letter) });
}

let isDelivering = false;

/** Send what waits, in order: each until it is stored or refused, always by its own key. */
async function deliver() {
  if (isDelivering) return;
  isDelivering = true;
  for (let tries = 0; outbox.length; ) {
    try {
      await inTurn(() => handOver(outbox[0]));
      tries = 0;
    } catch (error) {
      if (error.isFinal) giveBack(error);
      else {
        // What an operator has switched off may stay so for hours: then it is said.
        const isClosed = error.code === "messaging_unavailable";
        const why = isClosed ? error.message : "Trying again …";
        one("[data-dm-state]", outbox[0].bubble).textContent = `Not sent yet. ${why}`;
        await pause(Math.max(backoff(tries++), (error.seconds ?? 0) * 1000));
      }
    }
  }
  isDelivering = false;
}

async function handOver(letter) {
  const { key, bubble, body, reply_to } = letter;
  const send = (said) => ask("POST", `${place}/messages`, { key, body: { ...said, reply_to } });
  const { id } = await (isSealed ? sentSealed(letter, send) : send({ body }));
  if (!id) bubble.remove();
  outbox.shift();
  keep();
  // The bubble stands in for the message until that is shown.
  bubble.becomes = id;
  one("[data-dm-state]", bubble).textContent = "Sent";
  later("newer", hasEnd ? loadNewer : loadNewest);
  if (kind === "poll") refreshAround();
}

/** Send it sealed. Windows take turns: what was sealed first has to arrive first. */
async function sentSealed(letter, send) {
  const alone = () => sentAlone(letter, send);
  return navigator.locks ? navigator.locks.request(shelf, alone) : alone();
}

/** The same; once more where somebody has other devices than when it was sealed. */
async function sentAlone(letter, send) {
  try {
    return await send(await envelopeOf(letter));
  } catch (error) {
    // One key is for one text: the site has it already, as it was sealed before.
    if (error.code === "key_conflict") return {};
    if (error.code !== "keys_changed") throw error;
    delete letter.envelope;
    return send(await envelopeOf(letter));
  }
}

/** What is sent in the place of a text: the same again, until the server has said yes or no. */
async function envelopeOf(letter) {
  const sealer = await sealed();
  // It says when it was sealed: behind a later one, of another window, nobody would open it.
  if (letter.envelope && !(await sealer.isNewest(letter.envelope))) delete letter.envelope;
  letter.envelope ??= await sealer.seal(letter.body, letter.edits);
  keep();
  return { envelope: letter.envelope };
}

/** Refused: what was to be sent is in the writer's hands again, each text for itself. */
function giveBack(error) {
  // Something in this one text is wrong, or nothing at all can be sent.
  const letters = outbox.splice(0, error.status === 422 ? 1 : outbox.length);
  // What was sealed says when: sent later as it is, it would stand where it does not belong.
  for (const it of letters) delete it.envelope;
  const isFree = letters.length === 1 && !text.value && !form.elements.reply_to;
  if (isFree) {
    letters[0].bubble.remove();
    text.value = letters[0].body;
    // The same text goes under the same key: an answer that was lost may have been a yes.
    const { key, body } = letters[0];
    returned = ["key_conflict", "invalid_key"].includes(error.code) ? undefined : { key, body };
    if (letters[0].reply_to) answer(letters[0].reply_to);
  } else letters.forEach(hold);
  keep();
  fit();
  // A wait that one can sit out; what takes hours is told once.
  const [about] = error.message.split(" Try again in ");
  if (error.status === 429 && error.seconds < 120) countDown(about, error.seconds);
  else say(error.message, true);
  if (error.code === "you_blocked_them") offerUnblocking();
  // The other has sealed the conversation meanwhile: the page has to be one that does.
  if (error.code === "sealed_only") location.reload();
}

/** The way out that a page made now would have; the page it leads to has the text again. */
function offerUnblocking() {
  if (one("[data-dm-unblock]", section)) return;
  const way = document.createElement("form");
  const button = document.createElement("button");
  Object.assign(way, { method: "post", action: `${root}/t/${thread}/unblock` });
  Object.assign(button, { className: "dm-button dm-quiet", textContent: "Unblock" });
  way.dataset.dmUnblock = "";
  way.append(button);
  status.after(way);
}

/** Let a refused text stand where it is, with what can be done about it. */
function hold({ bubble, ...letter }) {
  bubble ??= bubbleOf(letter);
  const entry = { ...letter, bubble };
  held.push(entry);
  bubble.classList.add("dm-held");
  one("[data-dm-state]", bubble).textContent = "Not sent.";
  for (const [words, again] of [["Try again", true], ["Discard", false]]) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: words });
    button.addEventListener("click", () => {
      held.splice(held.indexOf(entry), 1);
      bubble.remove();
      if (again) post(letter);
      keep();
      say("");
      text.focus({ preventScroll: true });
      deliver();
    });
    one(".dm-meta", bubble).append(button);
  }
}

/** Be about to answer a message, as the server's own page for it shows that. */
function answer(id) {
  const field = Object.assign(document.createElement("input"), { type: "hidden", value: id });
  const line = Object.assign(document.createElement("div"), { className: "dm-replying" });
  const words = document.createElement("p");
  const what = document.createElement("bdi");
  const cancel = Object.assign(document.createElement("a"), { textContent: "Cancel" });
  field.name = "reply_to";
  line.dataset.dmReplying = "";
  what.textContent = one(".dm-body", item(id))?.textContent ?? "an earlier message";
  words.append("In answer to: ", what);
  cancel.href = `${location.pathname}#dm-body`;
  cancel.addEventListener("click", (event) => {
    event.preventDefault();
    line.remove();
    field.remove();
    text.focus();
  });
  line.append(words, cancel);
  form.prepend(field, line);
}

let changing; // { id, line, before } of a sealed message that is given another text

/** Give a sealed message another text; what was being written waits meanwhile. */
function change(id) {
  endChange();
  const line = Object.assign(document.createElement("p"), { className: "dm-replying" });
  const cancel = Object.assign(document.createElement("a"), { textContent: "Cancel" });
  cancel.href = `${location.pathname}#dm-body`;
  cancel.addEventListener("click", (event) => {
    event.preventDefault();
    endChange();
  });
  line.append("You are changing a message. ", cancel);
  changing = { id, line, before: text.value };
  text.value = one(".dm-body", item(id)).textContent;
  form.prepend(line);
  fit();
  text.focus();
}

function endChange() {
  if (!changing) return;
  changing.line.remove();
  text.value = changing.before;
  changing = undefined;
  keep();
  fit();
}

async function changed({ id }) {
  if (changing.isSent) return;
  changing.isSent = true;
  const send = (said) => ask("PATCH", `${place}/messages/${id}`, { body: said });
  try {
    await sentSealed({ body: text.value, edits: id }, send);
    endChange();
    say("");
    later(id, () => refreshPage(id));
  } catch (error) {
    say(error.isFinal ? error.message : "This did not work. Try again.", true);
    if (changing) changing.isSent = false;
  }
}

function submitted(event) {
  event.preventDefault();
  if (!text.value.trim()) return;
  if (changing) return changed(changing);
  const isReturned = returned?.body === text.value;
  const letter = { key: isReturned ? returned.key : keyField.value, body: text.value };
  returned = undefined;
  const answered = form.elements.reply_to?.value;
  if (answered) {
    letter.reply_to = answered;
    for (const it of all("[data-dm-replying], [name=reply_to]", form)) it.remove();
    history.replaceState(null, "", location.pathname);
  }
  post(letter);
  keyField.value = newKey();
  text.value = "";
  keep();
  fit();
  say("");
  // Whoever pressed the button goes on writing; and a phone keeps its keys where they are.
  text.focus({ preventScroll: true });
  toEnd();
  deliver();
}

let first; // { key, body, envelope } of a first message, until it is acknowledged

/** Begin a conversation that is sealed from its first message on. */
async function startedSealed(event) {
  event.preventDefault();
  if (isDelivering || !text.value.trim()) return;
  isDelivering = true;
  try {
    if (first?.body !== text.value) first = { key: newKey(), body: text.value };
    const begin = (said) =>
      ask("POST", "/threads", { key: first.key, body: { user: receiver, ...said } });
    const { thread: made } = await sentSealed(first, begin);
    text.value = "";
    keep();
    location.assign(made ? `${root}/t/${made}#dm-end` : `${root}/`);
  } catch (error) {
    if (error.isFinal) first = undefined;
    say(error.isFinal ? error.message : "This did not work. Try again.", true);
  }
  isDelivering = false;
}

function sentByBrowser() {
  try {
    sessionStorage.setItem(begun, shelf);
  } catch {}
}

// --- live -----------------------------------------------------------------------------------------

let cursor = page?.dataset.dmCursor;
const KEYS = ["keys_changed", "changed_keys_seen"];

function take(facts) {
  if (facts.length) refreshAround();
  for (const { action, actor, conversation, message } of facts) {
    if (!thread || conversation !== thread) continue;
    if (action === "message_sent") later("follow", follow);
    if (action === "message_edited" || action === "message_deleted")
      later(message, () => refreshPage(message));
    if (action === "message_hidden") {
      drop(item(message));
      if (isSealed) sealed().then((it) => it.forget(message), () => {});
    }
    if (action === "conversation_sealed" && !isSealed) location.reload();
    if (KEYS.includes(action) && page.dataset.dmSealed) sealed().then((it) => it.look(), () => {});
    if (action === "messages_seen" && actor !== me) later("seen", () => refreshSeen(message));
    if (action === "history_cleared") later("newest", loadNewest);
    if (action === "request_accepted" && actor !== me && !text?.value) location.reload();
  }
}

/** The feed is not to be had up to here: look at everything anew. */
function takeAnew() {
  refreshAround();
  if (list) later("newest", loadNewest);
}

/** What happened, as an answer; it may wait until something happens. */
async function poll(wait) {
  let told;
  do {
    const query = new URLSearchParams({ after: cursor, wait });
    told = await ask("GET", `/changes?${query}`, { seconds: wait + 15 });
    cursor = told.next;
    take(told.items);
  } while (told.has_more);
}

/** What happens, as a stream. Returns false where the browser gave up, true where the page did. */
function streamed() {
  return new Promise((done) => {
    const source = new EventSource(`${api}/stream?${new URLSearchParams({ after: cursor })}`);
    let rest;
    let worry;
    const hear = (name, does) =>
      source.addEventListener(name, (event) => {
        cursor = event.lastEventId || cursor;
        does(JSON.parse(event.data));
      });
    hear("changes", (told) => take(told.items));
    hear("typing", (told) => told.conversation === thread && showTyping(true));
    hear("expired", takeAnew);
    hear("closed", () => {
      source.close();
      rest = setTimeout(end, 1_000, true);
    });
    source.onopen = () => {
      clearTimeout(worry);
      worry = null;
      connected(true);
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) return end(false);
      // The browser comes back by itself, to where it was; most cuts are over before one notices.
      worry ??= setTimeout(connected, 5_000, false);
    };
    function turned() {
      clearTimeout(rest);
      if (document.hidden) rest = setTimeout(end, REST_AFTER, true);
    }
    function end(isOver) {
      source.close();
      clearTimeout(rest);
      clearTimeout(worry);
      document.removeEventListener("visibilitychange", turned);
      done(isOver);
    }
    document.addEventListener("visibilitychange", turned);
  });
}

const visible = () =>
  new Promise((done) => {
    if (document.hidden) document.addEventListener("visibilitychange", done, { once: true });
    else done();
  });

/** Follow the feed. A hidden page rests: browsers allow a site few connections. */
async function live() {
  let wait = kind === "poll" ? 0 : null; // seconds that a question may wait; none is asked at first
  for (let tries = 0; ; ) {
    await visible();
    try {
      if (wait !== null) {
        await poll(wait);
        connected(true);
      }
      tries = 0;
      if (kind === "stream") wait = (await streamed()) ? 0 : 20;
      else {
        lookAround();
        await pause(pollEvery);
      }
    } catch (error) {
      const isExpired = error.code === "cursor_expired";
      if ([401, 403, 410].includes(error.status) && !isExpired) return say(error.message);
      if (isExpired) {
        ({ cursor } = await ask("GET", "/snapshot").catch(() => ({ cursor })));
        takeAnew();
      } else if (tries > 0) connected(false, error.code);
      // Too many streams of one person: asking now and then is still allowed.
      if (error.status === 429) wait = 0;
      await pause(backoff(tries++));
    }
  }
}

// --- beginning ------------------------------------------------------------------------------------

function beginThread() {
  itemsOf(list);
  markDays();
  hasEnd = !("dmMore" in list.dataset);
  Object.assign(waiting, { className: list.className, ariaLabel: "Being sent" });
  Object.assign(voice, { className: "dm-sr", role: "status" });
  section.append(voice);
  for (const it of all("[data-dm-page-link]", section)) it.hidden = true;
  if (hasEnd && !location.hash.startsWith("#m-")) toEnd();
  look();
  let height = box.clientHeight;
  const scrolled = () => {
    // Where the box has just become lower, it was not the reader who left the end.
    if (box.clientHeight === height) isFollowing = isAtEnd();
    showJump();
    look();
    markRead();
  };
  (isPage ? document : box).addEventListener("scroll", scrolled, { passive: true });
  // A line of words below, or the keyboard of a phone, takes its room from the list.
  new ResizeObserver(() => {
    height = box.clientHeight;
    if (hasEnd && isFollowing) toEnd();
  }).observe(box);
  document.addEventListener("visibilitychange", markRead);
  addEventListener("focus", markRead);
  list.addEventListener("click", (event) => {
    const shown = item(event.target.closest("[data-dm-answers]")?.dataset.dmAnswers);
    if (!shown) return;
    event.preventDefault();
    location.hash = shown.id;
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dm-change]");
    if (!button) return;
    button.closest("details").open = false;
    change(button.dataset.dmChange);
  });
  list.addEventListener("submit", takenAway);
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
  jump?.addEventListener("click", async () => {
    if (!hasEnd) await inTurn(loadNewest).catch(() => {});
    toEnd(isCalm.matches ? "instant" : "smooth");
  });
  showJump();
  markRead();
  lookAround();
  setInterval(lookAround, PRESENCE_EVERY);
}

/** Menus close as menus do everywhere: by Escape, and when something else is touched. */
function beginMenus() {
  const open = () => all("details.dm-menu[open]", page);
  document.addEventListener("click", (event) => {
    for (const it of open()) if (!it.contains(event.target)) it.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const it of open()) {
      it.open = false;
      one("summary", it).focus({ preventScroll: true });
    }
  });
}

function beginWriting() {
  // On a phone there is no other key for a new line.
  const isTouched = matchMedia("(hover: none) and (pointer: coarse)");
  text.addEventListener("keydown", (event) => {
    const isPlain = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    // Some browsers tell the key that ends a composition by this number alone.
    if (!isPlain || event.keyCode === 229 || isTouched.matches) return;
    event.preventDefault();
    form.requestSubmit();
  });
  text.addEventListener("input", () => {
    fit();
    if (!ticking && status?.role === "alert") say("");
  });
  const canPost = list && keyField && pattern;
  if (canPost || receiver || isEdit) {
    const { draft = "", letters = [], ...more } = kept();
    returned = more.returned;
    if (isEdit && draft) text.value = draft;
    text.value ||= draft;
    text.addEventListener("input", () => {
      keep();
      if (canPost && text.value) tellTyping();
    });
    const begins = isSealed ? startedSealed : sentByBrowser;
    form.addEventListener("submit", canPost ? submitted : begins);
    for (const it of letters) (it.isHeld ? hold : post)(it);
    deliver();
  }
  fit();
}

// A browser that is too old for this is not too old for the pages.
const isNew = "timeout" in AbortSignal && "findLast" in Array.prototype;
if (isNew && !page && one("[data-dm-badge]")) beginBadge();
if (isNew && page) {
  localise(page);
  beginMenus();
  if (list) {
    clearBegun();
    beginThread();
  }
  if (text) beginWriting();
  openPage();
  if (cursor) live();
}
