// Checks a scratch card's draw in the browser, with what was published and nothing else. docs/fairness.md states the
// scheme, and `laurels verify-card` checks the same by the same names. Hashes are WebCrypto's; numbers that may pass
// 2^53 are BigInts. Nothing is sent anywhere.
"use strict";

const SCHEME = 2;
const CARDS_MAX = 100000;
const WHOLE = 10000n;
const PUBLISHED = ["pool", "commitment", "table", "table_hash", "root"];
const encoder = new TextEncoder();

class Malformed extends Error {}

// -- bytes -------------------------------------------------------------------

function joined(...parts) {
  const found = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    found.set(part, at);
    at += part.length;
  }
  return found;
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(text) {
  if (typeof text !== "string" || text.length % 2 || !/^[0-9a-f]*$/.test(text)) {
    throw new Malformed(`${JSON.stringify(text)} is not hexadecimal`);
  }
  return Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
}

function bigEndian(number, size) {
  const found = new Uint8Array(size);
  let left = BigInt(number);
  for (let at = size - 1; at >= 0; at--) {
    found[at] = Number(left & 255n);
    left >>= 8n;
  }
  return found;
}

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

async function keyed(bytes) {
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return async (message) => new Uint8Array(await crypto.subtle.sign("HMAC", key, message));
}

function same(one, other) {
  return hex(one) === hex(other);
}

// -- numbers -----------------------------------------------------------------

// A number below `total`, each equally likely: numbers that are not below it are passed over.
async function numberBelow(total, mac, message) {
  const spare = BigInt(256 - (total > 1n ? (total - 1n).toString(2).length : 0));
  for (let n = 0; ; n++) {
    const block = await mac(joined(message, bigEndian(n, 4)));
    const number = BigInt("0x" + hex(block)) >> spare;
    if (number < total) {
      return number;
    }
  }
}

function messageOf(version, number, own) {
  return joined(version, bigEndian(number, 8), own);
}

async function drawnOf(table, mac, number, own) {
  const weights = table.prizes.map((prize) => BigInt(prize.weight));
  const total = weights.reduce((sum, weight) => sum + weight, BigInt(table.nothing_weight));
  let left = await numberBelow(total, mac, messageOf(table.version, number, encoder.encode(own)));
  for (const [place, weight] of weights.entries()) {
    if (left < weight) {
      return table.prizes[place].id;
    }
    left -= weight;
  }
  return "";
}

// -- pacing, stock and budget ------------------------------------------------

// How many of a whole the curve has released by a moment in microseconds, rounded down.
function released(table, whole, at) {
  whole = BigInt(whole);
  if (!table.pacing.length) {
    return whole;
  }
  const starts = BigInt(table.window.starts_at);
  const length = BigInt(table.window.ends_at) - starts;
  let elapsed = at - starts;
  elapsed = elapsed < 0n ? 0n : elapsed;
  if (elapsed >= length) {
    return whole;
  }
  const curve = table.pacing.map((point) => [BigInt(point.elapsed), BigInt(point.released)]);
  if (curve[0][0] > 0n) {
    curve.unshift([0n, 0n]);
  }
  if (curve[curve.length - 1][0] < WHOLE) {
    curve.push([WHOLE, WHOLE]);
  }
  const scaled = elapsed * WHOLE;
  let [before, after] = [curve[0], curve[0]];
  for (after of curve.slice(1)) {
    if (scaled < after[0] * length) {
      break;
    }
    before = after;
  }
  const run = (after[0] - before[0]) * length;
  const share = before[1] * run + (after[1] - before[1]) * (scaled - before[0] * length);
  return (whole * share) / (WHOLE * run);
}

function prizeNamed(table, id) {
  const found = table.prizes.find((prize) => prize.id === id);
  if (!found) {
    throw new Malformed(`the table has no prize ${JSON.stringify(id)}`);
  }
  return found;
}

// What a drawn prize becomes: itself while it may be given, else what stands for it, at the end nothing.
function wonOf(table, drawn, won, spent, at) {
  let id = drawn;
  while (id) {
    const prize = prizeNamed(table, id);
    const fits = !table.budget || spent + BigInt(prize.value) <= released(table, table.budget, at);
    if (BigInt(won.get(id) || 0) < released(table, prize.stock, at) && fits) {
      return id;
    }
    id = prize.instead;
  }
  return "";
}

// -- decks -------------------------------------------------------------------

async function deckOf(table, mac, progress) {
  const deck = new Uint16Array(table.cards).fill(table.prizes.length);
  let at = 0;
  for (const [place, prize] of table.prizes.entries()) {
    deck.fill(place, at, at + prize.stock);
    at += prize.stock;
  }
  const shuffle = encoder.encode("shuffle");
  for (let i = table.cards - 1; i > 0; i--) {
    const j = Number(await numberBelow(BigInt(i + 1), mac, messageOf(table.version, i, shuffle)));
    [deck[i], deck[j]] = [deck[j], deck[i]];
    if (i % 2000 === 0) {
      progress(`Shuffling the deck again: ${i} cards to go`);
    }
  }
  return deck;
}

function leafOf(salt, position, prize) {
  return joined(salt, bigEndian(position, 8), encoder.encode(prize));
}

function leafHash(leaf) {
  return sha256(joined(Uint8Array.of(0), leaf));
}

function nodeHash(left, right) {
  return sha256(joined(Uint8Array.of(1), left, right));
}

// The root over hashes side by side (RFC 9162, section 2.1).
async function rootOver(hashes) {
  let level = hashes;
  while (level.length > 1) {
    const above = [];
    for (let at = 0; at + 1 < level.length; at += 2) {
      above.push(await nodeHash(level[at], level[at + 1]));
    }
    // What has no right neighbour goes up as it is, which is the same tree.
    if (level.length % 2) {
      above.push(level[level.length - 1]);
    }
    level = above;
  }
  return level[0];
}

async function rootOfDeck(table, mac, deck, progress) {
  const salt = encoder.encode("salt");
  const hashes = [];
  for (let position = 0; position < deck.length; position++) {
    const id = deck[position] < table.prizes.length ? table.prizes[deck[position]].id : "";
    hashes.push(await leafHash(leafOf(await mac(messageOf(table.version, position, salt)), position, id)));
    if (position % 2000 === 0) {
      progress(`Hashing the deck: ${position} of ${deck.length} cards`);
    }
  }
  return rootOver(hashes);
}

// The root that a proof of inclusion leads to (RFC 9162, 2.1.3.2); null when it is no proof.
async function rootByInclusion(hashed, index, size, path) {
  if (!(index >= 0 && index < size)) {
    return null;
  }
  let [number, last, root] = [index, size - 1, hashed];
  for (const sibling of path) {
    if (!last) {
      return null;
    }
    if (number % 2 || number === last) {
      root = await nodeHash(sibling, root);
      while (number % 2 === 0 && number) {
        [number, last] = [number >> 1, last >> 1];
      }
    } else {
      root = await nodeHash(root, sibling);
    }
    [number, last] = [number >> 1, last >> 1];
  }
  return last ? null : root;
}

function isTaken(taken, position) {
  return position >> 3 < taken.length && ((taken[position >> 3] >> (position & 7)) & 1) === 1;
}

function bitsOf(byte) {
  let count = 0;
  for (let left = byte; left; left &= left - 1) {
    count += 1;
  }
  return count;
}

function freeBelow(taken, end) {
  let count = end;
  for (let at = 0; at < taken.length && at * 8 < end; at++) {
    count -= bitsOf(end - at * 8 < 8 ? taken[at] & ((1 << (end - at * 8)) - 1) : taken[at]);
  }
  return count;
}

// The free position before which so many are free.
function freeAt(taken, number) {
  let position = 0;
  for (; position >> 3 < taken.length; position += 8) {
    const free = 8 - bitsOf(taken[position >> 3]);
    if (number < free) {
      break;
    }
    number -= free;
  }
  for (; isTaken(taken, position) || number; position++) {
    number -= isTaken(taken, position) ? 0 : 1;
  }
  return position;
}

// The position that a card takes: of those that are left and opened, or of all that are left.
async function positionOf(table, rootMac, number, own, taken, at) {
  const opened = Number(released(table, table.cards, at));
  const free = freeBelow(taken, opened) || freeBelow(taken, table.cards);
  if (!free) {
    throw new Malformed("every position of the deck is taken");
  }
  const message = messageOf(table.version, number, encoder.encode(own));
  return freeAt(taken, Number(await numberBelow(BigInt(free), rootMac, message)));
}

// -- reading -----------------------------------------------------------------

function whole(value) {
  if (!Number.isSafeInteger(value)) {
    throw new Malformed(`${JSON.stringify(value)} is not a whole number`);
  }
  return value;
}

function text(value) {
  if (typeof value !== "string") {
    throw new Malformed(`${JSON.stringify(value)} is not a text`);
  }
  return value;
}

// A moment in microseconds since 1970.
function microsOf(moment) {
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/.exec(text(moment));
  const seconds = found && Date.parse(found[1] + "Z");
  if (!found || Number.isNaN(seconds)) {
    throw new Malformed(`${moment} is not a moment in microseconds`);
  }
  return BigInt(seconds) * 1000n + BigInt((found[2] || "").padEnd(6, "0"));
}

function drawOf(data) {
  return {
    draw: whole(data.draw),
    number: whole(data.number),
    at: microsOf(data.revealed_at),
    own: text(data.own_seed),
    position: whole(data.position),
    won: text(data.prize),
    link: text(data.link),
  };
}

async function tableOf(source) {
  const table = JSON.parse(text(source));
  for (const prize of table.prizes) {
    text(prize.id);
    text(prize.instead);
    [prize.weight, prize.stock, prize.value].forEach(whole);
  }
  [table.nothing_weight, table.cards, table.budget].forEach(whole);
  if (table.kind === "deck" && !(table.cards >= 1 && table.cards <= CARDS_MAX)) {
    throw new Malformed("the deck is too large");
  }
  table.version = await sha256(encoder.encode(source));
  return table;
}

// -- checks ------------------------------------------------------------------

async function linkOf(before, made) {
  const facts = [made.draw, made.number, made.at, made.own, made.position, made.won];
  return sha256(joined(before, encoder.encode(facts.join("\n"))));
}

async function seedCheck(proof) {
  if (!proof.seed) {
    return ["seed", null, "The pool has not closed, so its seed is still secret."];
  }
  const committed = hex(await sha256(bytesOf(proof.seed))) === proof.commitment;
  return ["seed", committed, committed ? "The seed is the one that was committed to." : "The seed is another one."];
}

function outcomeCheck(drawn, won, said) {
  const became = won === drawn ? "" : `, which became ${won || "nothing"}`;
  const holds = won === said;
  return ["outcome", holds, `The card drew ${drawn || "nothing"}${became}${holds ? "" : `, and not ${said || "nothing"}`}.`];
}

async function outcomeOfScheme1(proof) {
  if (!proof.seed) {
    return ["outcome", null, "What the card draws can be computed when the pool has closed."];
  }
  const table = JSON.parse(text(proof.table));
  const total = table.prizes.reduce((sum, prize) => sum + BigInt(whole(prize.weight)), BigInt(whole(table.nothing_weight)));
  const spare = BigInt(256 - (total > 1n ? (total - 1n).toString(2).length : 0));
  const mac = await keyed(bytesOf(proof.seed));
  let left = total;
  for (let n = 0; left >= total; n++) {
    left = BigInt("0x" + hex(await mac(encoder.encode(`${table.pool}\n${proof.card}\n${n}`)))) >> spare;
  }
  let drawn = "";
  for (const prize of table.prizes) {
    if (left < BigInt(prize.weight)) {
      drawn = prize.id;
      break;
    }
    left -= BigInt(prize.weight);
  }
  // In scheme 1 nobody can show whether any was left.
  return outcomeCheck(drawn, proof.draw.prize ? drawn : "", proof.draw.prize);
}

async function* checksOf(proof, progress) {
  if (proof.scheme === SCHEME - 1) {
    yield await seedCheck(proof);
    yield await outcomeOfScheme1(proof);
    return;
  }
  if (proof.scheme !== SCHEME) {
    throw new Malformed(`scheme ${proof.scheme} is not known`);
  }
  const table = await tableOf(proof.table);
  const made = drawOf(proof.draw);
  const counts = new Map((proof.won_before || []).map((each) => [text(each.prize), whole(each.count)]));
  const spent = BigInt(whole(proof.spent_before || 0));
  const taken = bytesOf(proof.taken_before || "");
  const committed = hex(table.version) === proof.table_hash;
  yield ["table", committed, committed ? "The table is the one that was committed to." : "The table is another one."];
  yield await seedCheck(proof);
  const mac = proof.seed ? await keyed(bytesOf(proof.seed)) : null;
  let [rootMac, deck] = [null, null];
  if (table.kind === "deck") {
    rootMac = await keyed(bytesOf(proof.root));
    if (mac) {
      deck = await deckOf(table, mac, progress);
      const holds = hex(await rootOfDeck(table, mac, deck, progress)) === proof.root;
      yield ["permutation", holds, holds ? "The deck was shuffled by the seed." : "The deck is not the one that the seed gives."];
    } else {
      yield ["permutation", null, "The deck's order can be made again when the pool has closed."];
    }
    const expected = await positionOf(table, rootMac, made.number, made.own, taken, made.at);
    yield [
      "position",
      made.position === expected,
      made.position === expected
        ? `Of the positions that were left the card took ${expected}, as it must.`
        : `The card took position ${made.position}, and must take ${expected}.`,
    ];
    const leaf = await leafHash(leafOf(bytesOf(proof.salt || ""), Math.max(made.position, 0), made.won));
    const root = await rootByInclusion(leaf, made.position, table.cards, (proof.path || []).map(bytesOf));
    const holds = root !== null && hex(root) === proof.root;
    yield [
      "leaf",
      holds,
      holds
        ? `That position of the deck holds ${made.won || "nothing"} since it was published.`
        : `That position of the deck does not hold ${made.won || "nothing"}.`,
    ];
  } else if (mac) {
    const drawn = await drawnOf(table, mac, made.number, made.own);
    yield outcomeCheck(drawn, wonOf(table, drawn, counts, spent, made.at), made.won);
  } else {
    yield ["outcome", null, "What the card draws can be computed when the pool has closed."];
  }
  const chained =
    /^[0-9a-f]{64}$/.test(proof.previous_link) && hex(await linkOf(bytesOf(proof.previous_link), made)) === made.link;
  yield ["link", chained, chained ? "The draw is chained to the ones before it." : "The draw's link is not that of its facts."];
  if (proof.draws) {
    yield ["draws", ...(await history(proof, table, made, { counts, spent, taken, mac, rootMac, deck }, progress))];
  }
}

// All draws up to this one, made again.
async function history(proof, table, own, known, progress) {
  let [head, spent, met] = [table.version, 0n, false];
  const [won, numbers] = [new Map(), new Set()];
  let taken = new Uint8Array(0);
  for (const [before, data] of proof.draws.entries()) {
    const [made, place] = [drawOf(data), before + 1];
    if (made.draw === own.draw) {
      met = true;
      const told = JSON.stringify([...known.counts].filter(([, count]) => count).sort());
      const alike = told === JSON.stringify([...won].sort()) && spent === known.spent && same(taken, known.taken);
      if (hex(head) !== proof.previous_link || !alike) {
        return [false, `What the proof says of the draws before draw ${place} is not so.`];
      }
      if (Object.keys(own).some((name) => own[name] !== made[name])) {
        return [false, "The pool's draws have another one in this one's place."];
      }
    }
    head = await linkOf(head, made);
    if (made.draw !== place || numbers.has(made.number) || made.link !== hex(head)) {
      return [false, `Draw ${place} is not chained to those before it.`];
    }
    numbers.add(made.number);
    let [expected, wrong] = [made.won, false];
    if (table.kind === "deck") {
      const position = await positionOf(table, known.rootMac, made.number, made.own, taken, made.at);
      if (known.deck) {
        expected = known.deck[position] < table.prizes.length ? table.prizes[known.deck[position]].id : "";
      }
      const grown = new Uint8Array(Math.ceil(table.cards / 8));
      grown.set(taken);
      grown[position >> 3] |= 1 << (position & 7);
      taken = grown;
      wrong = position !== made.position;
    } else if (known.mac) {
      const drawn = await drawnOf(table, known.mac, made.number, made.own);
      expected = wonOf(table, drawn, won, spent, made.at);
    }
    if (wrong || expected !== made.won) {
      return [false, `Draw ${place}, of card ${made.number}, has another outcome than it must have.`];
    }
    if (made.won) {
      won.set(made.won, (won.get(made.won) || 0) + 1);
      spent += BigInt(prizeNamed(table, made.won).value);
    }
    if (place % 500 === 0) {
      progress(`Making the pool's draws again: ${place} of ${proof.draws.length}`);
    }
  }
  if (!met) {
    return [false, "The pool's draws do not have this one."];
  }
  return [true, `All ${proof.draws.length} draws of the pool follow from what was published, in their order.`];
}

async function check(proof, published, progress) {
  const found = [];
  try {
    if (published) {
      const differing = PUBLISHED.filter((name) => published[name] !== proof[name]);
      const said = differing.length ? `The proof has another ${differing.join(", ")}.` : "The proof is of the pool as kept.";
      found.push(["published", !differing.length, said]);
    }
    for await (const each of checksOf(proof, progress)) {
      found.push(each);
    }
    return found;
  } catch (error) {
    if (error instanceof Malformed || error instanceof TypeError || error instanceof SyntaxError) {
      return [["form", false, `This is no proof of a card: ${error.message}.`]];
    }
    throw error;
  }
}

// -- the page ----------------------------------------------------------------

const VERDICTS = {
  holds: "The draw was fair.",
  broken: "The draw is not what was published.",
  pending: "Nothing speaks against the draw; the rest can be checked when its pool has closed.",
};

function show(found) {
  const list = document.getElementById("checks");
  list.replaceChildren(
    ...found.map(([name, holds, sentence]) => {
      const item = document.createElement("li");
      item.dataset.name = name;
      item.dataset.holds = holds === null ? "pending" : String(holds);
      item.textContent = `${name}: ${sentence}`;
      return item;
    })
  );
  const verdict = found.some((each) => each[1] === false)
    ? "broken"
    : found.some((each) => each[1] === null)
      ? "pending"
      : "holds";
  const shown = document.getElementById("verdict");
  shown.dataset.verdict = verdict;
  shown.textContent = VERDICTS[verdict];
}

async function run() {
  const verdict = document.getElementById("verdict");
  delete verdict.dataset.verdict;
  document.getElementById("checks").replaceChildren();
  if (!globalThis.crypto || !crypto.subtle) {
    verdict.dataset.verdict = "impossible";
    verdict.textContent = "This browser gives hashes to secure pages only: open this one over HTTPS, or from a file.";
    return;
  }
  verdict.textContent = "Checking …";
  let [proof, published] = [null, null];
  try {
    proof = JSON.parse(document.getElementById("proof").value);
    const kept = document.getElementById("published").value.trim();
    published = kept ? JSON.parse(kept) : null;
  } catch (error) {
    show([["form", false, `This is not JSON: ${error.message}.`]]);
    return;
  }
  show(await check(proof, published, (sentence) => (verdict.textContent = sentence)));
}

async function load(event, target) {
  const [file] = event.target.files;
  if (file) {
    document.getElementById(target).value = await file.text();
  }
}

document.getElementById("check").addEventListener("click", run);
document.getElementById("proof-file").addEventListener("change", (event) => load(event, "proof"));
document.getElementById("published-file").addEventListener("change", (event) => load(event, "published"));
