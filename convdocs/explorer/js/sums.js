/* Sums as markup: a line of products, and what an output, an input or a weight is part of. */

const MOST = 60; // products shown in one line
const FEW = 12; // products that are shown at once, without being asked for
const LINES = 8; // channels listed before the others are added up

const total = (list, key) => list.reduce((all, one) => all + one[key], 0);

/**
 * A line of products, at most MOST of them, with `sign` between them where they are a sum.
 * An item has x, and w and its product where there is a weight, `where` and `look`.
 */
function chips(list, { say, sign = "", before = "", after = "" }) {
  const chip = ({ where = "", w = null, x, product, look = "" }) =>
    `<span class="cx-term${look}"><span class="cx-work">${where}<i>${say(x)}</i>` +
    `${w === null ? "" : ` × <b>${say(w)}</b>`}</span>` +
    `${product === undefined ? "" : `<em>${say(product)}</em>`}</span>`;
  const more = list.length - MOST;
  const rest = more > 0 ? `<span class="cx-plus">${sign} ${more} more</span>` : "";
  const between = sign && `<span class="cx-plus">${sign}</span>`;
  const line = list.slice(0, MOST).map(chip).join(between);
  return `<div class="cx-line">${before}<span class="cx-chips">${line}${rest}</span>${after}</div>`;
}

const padLook = (term) => (!term.padded ? "" : term.real ? " cx-copied" : " cx-zero");

/** The channels of a sum: one spelled out if there are many products, the others in short. */
function channelLines(channels, say, open) {
  const few = total(channels, "length") <= FEW;
  if (channels.length === 1) return chips(channels[0].looks, { say, sign: "+" });
  const chosen = channels.some(({ c }) => c === open) ? open : channels[0]?.c;
  const part = ({ looks }) => `<span class="cx-part">= ${say(total(looks, "product"))}</span>`;
  const name = ({ c }) =>
    few
      ? `<span class="cx-tag">channel ${c}</span>`
      : `<button type="button" class="cx-tag" data-do="products" data-channel="${c}" ` +
        `aria-expanded="${c === chosen}">channel ${c}</button>`;
  const line = (one) =>
    chips(one.looks, {
      say,
      sign: "+",
      before: name(one) + (few ? "" : part(one)),
      after: few ? part(one) : "",
    });
  if (few) return channels.map(line).join("");
  const listed_ = channels.filter(({ c }, i) => i < LINES || c === chosen);
  const others = channels.filter((one) => !listed_.includes(one));
  const rest = others.flatMap(({ looks }) => looks);
  const more = rest.length
    ? `<span>${others.length} more channels</span>${part({ looks: rest })}`
    : "";
  const shut = listed_.filter(({ c }) => c !== chosen).map((one) => `${name(one)}${part(one)}`);
  const spelled = line(channels.find(({ c }) => c === chosen));
  return `${spelled}<div class="cx-line">${shut.join("")}${more}</div>`;
}

/** The sum of a convolution's output cell, channel by channel; `open` is the one spelled out. */
function sumOfProducts(found, { say, bias, value, z, open }) {
  const channels = [...Map.groupBy(found, (term) => term.c)].map(([c, list]) => ({
    c,
    length: list.length,
    looks: list.map((term) => ({ ...term, look: padLook(term) })),
  }));
  const parts = channels.map(({ looks }) => say(total(looks, "product")));
  const sums = parts.length > LINES ? [say(total(found, "product"))] : parts;
  const sum = sums.join(" + ").replace(/\+ −/g, "− ") || "no product";
  const known = bias !== undefined;
  const biased = known ? ` + bias <span class="cx-bias">${say(bias)}</span>` : "";
  const words =
    found.length > FEW
      ? `the sum of ${found.length} products, ${say(total(found, "product"))}`
      : found.map((term) => `${say(term.x)} times ${say(term.w)}`).join(", plus ") || "no product";
  return {
    body: `${channelLines(channels, say, open)}${totalLine(`${sum}${biased}`, { say, value, z })}`,
    words:
      `: ${say(value)}, which is ${words}${known ? `, plus bias ${say(bias)}` : ""}` +
      `${z === value ? "" : `: ${say(z)}, which ReLU makes 0`}.`,
  };
}

/** The last line: z, if the sum does not say it yet, and what a ReLU after it makes of it. */
function totalLine(sum, { say, value, z }) {
  const kept = value === z || Number.isNaN(z);
  const steps = sum === say(z) ? [] : [sum];
  if (!kept) steps.push(`${say(z)}, with ReLU`);
  return `<p class="cx-total">${steps.join(" = ")} <b>= ${say(value)}</b></p>`;
}

/** What a pool makes of its window: the largest number, or the mean of those that count. */
function sumOfWindow(places, { say, value, z, max, divisor: n }) {
  const counted = places.filter((one) => one.counts || max);
  const look = (one) => (!one.real ? " cx-zero" : max && one.x === z ? " cx-won" : "");
  const list = counted.map((one) => ({ x: one.x, look: look(one) }));
  const out = places.length - counted.length;
  const after = out ? `<span class="cx-plus">${out} outside, not counted</span>` : "";
  const numbers = counted.map((one) => say(one.x)).join(", ");
  const end = max ? `the largest of ${places.length}` : `sum ${say(total(counted, "x"))} / ${n}`;
  const how = max ? `the largest of ${numbers}` : `the sum of ${numbers}, divided by ${n}`;
  return {
    body: chips(list, { say, sign: max ? "," : "+", after }) + totalLine(end, { say, value, z }),
    words: `: ${say(value)}, ${how}.`,
  };
}
