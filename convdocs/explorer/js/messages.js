/* What PyTorch says to a layer that it refuses, and settings that mend it. */

const problemOf = (code, message, fixes, type = "RuntimeError") => ({
  code,
  type,
  message,
  fixes,
});
/** What is rarely met, or said in words that depend on the build of PyTorch: in our own words. */
const inOurWords = (...problem) => ({ ...problemOf(...problem), own: true });

/** A change of a setting that mends it, in words: "Use stride=1". */
function fix(s, patch) {
  const { shape, ...rest } = patch;
  const changed = Object.keys(rest).filter((key) => !same(s[key], rest[key]));
  const use = changed.map((key) => `${parameter(key)[0]}=${typed(rest[key])}`).join(", ");
  const give = shape && !same(shape, s.shape) ? `x of shape ${listed(shape)}` : "";
  return { text: `Use ${[use, give].filter(Boolean).join(" and ")}`, patch };
}

const LOWEST = { in: 1, out: 1, kernel: 1, stride: 1, dilation: 1, padding: 0, outputPadding: 0 };

/** Every setting that is too low, lifted to the lowest that a layer takes. */
function lifted(s) {
  const patch = {};
  for (const key of TAKES[familyOf(s)]) {
    const lift = (value) => Math.max(LOWEST[key], value);
    if (Array.isArray(s[key])) patch[key] = s[key].map(lift);
    else if (key in LOWEST && key !== "padding") patch[key] = lift(s[key]);
  }
  return fix(s, { ...patch, ...(patch.in % s.groups || patch.out % s.groups ? { groups: 1 } : {}) });
}

const each = (s, value) => range(dimsOf(s)).map(value);
const paddedOf = (s) => windowsOf(s).map((w, a) => spatial(s)[a] + w.before + w.after);
const outOf = (s) => windowsOf(s).map((w, a) => outputSize(w, spatial(s)[a]));
const hasRank = (s) => s.shape.length === dimsOf(s) + 1 || batched(s);

const lessPadding = (s, most) => fix(s, { padding: s.padding.map((p, a) => Math.min(p, most(a))) });

function withChannels(s, channels) {
  const shape = [...s.shape];
  shape[shape.length - dimsOf(s) - 1] = channels;
  return shape;
}

/** What torch says to this setting, or null when the layer runs. */
function problem(s) {
  return isPool(s) ? poolProblem(s) : (constructorProblem(s) ?? forwardProblem(s));
}

function constructorProblem(s) {
  const value = (code, message, ...fixes) =>
    problemOf(`convolution#${code}`, message, fixes, "ValueError");
  const ungrouped = fix(s, { groups: 1 });
  if (isTransposed(s) && s.mode !== "zeros")
    return value(
      "transposed-padding-mode",
      `Only "zeros" padding mode is supported for ${s.kind}`,
      fix(s, { mode: "zeros" }),
    );
  if (s.groups <= 0)
    return value("groups-not-positive", "groups must be a positive integer", ungrouped);
  for (const name of ["in", "out"]) {
    if (s[name] % s.groups) {
      const more = Math.max(1, Math.ceil(s[name] / s.groups)) * s.groups;
      const fed = name === "in" && s.shape.length > dimsOf(s);
      return value(
        "groups-do-not-divide",
        `${name}_channels must be divisible by groups`,
        ungrouped,
        fix(s, { [name]: more, ...(fed ? { shape: withChannels(s, more) } : {}) }),
      );
    }
  }
  if (s.padding === "same" && !isTransposed(s) && s.stride.some((step) => step !== 1))
    return value(
      "same-with-stride",
      "padding='same' is not supported for strided convolutions",
      fix(s, { stride: each(s, () => 1) }),
      fix(s, { padding: each(s, (a) => Math.max(0, paddingOf(s, a)[0])) }),
    );
  const weight = weightShape(s);
  const negative = weight.find((size) => size < 0);
  return negative === undefined
    ? null
    : problemOf(
        "convolution#negative-size",
        `Trying to create tensor with negative dimension ${negative}: ${listed(weight)}`,
        [lifted(s)],
      );
}

function forwardProblem(s) {
  const t = isTransposed(s);
  if (t && typeof s.padding === "string")
    return inOurWords(
      "dtypes#constructor-arguments",
      "A transposed layer takes its padding in numbers.",
      [fix(s, { padding: each(s, () => 0) })],
    );
  return (
    rankProblem(s) ??
    (s.mode === "zeros" ? null : padProblem(s)) ??
    signProblem(s) ??
    channelProblem(s, weightShape(s)) ??
    (t ? outputPaddingProblem(s) : kernelProblem(s)) ??
    cellsProblem(s)
  );
}

function rankProblem(s) {
  const d = dimsOf(s);
  if (hasRank(s)) return null;
  const sizes = [...each(s, () => 4), ...s.shape].slice(-d);
  const short = s.shape.length <= d;
  const fixes = [fix(s, { shape: short ? [isPool(s) ? 1 : s.in, ...sizes] : s.shape.slice(-d - 1) })];
  if (isPool(s) || s.mode !== "zeros")
    return inOurWords(
      isPool(s) ? "pooling#pool-rank" : "padding#padding-rank",
      `x needs ${d + 1} axes, or ${d + 2} with a batch; it has ${s.shape.length}.`,
      fixes,
    );
  return problemOf(
    "inputs#conv-rank",
    `Expected ${d + 1}D (unbatched) or ${d + 2}D (batched) input to ` +
      `conv${isTransposed(s) ? "_transpose" : ""}${d}d, but got input of size: ${listed(s.shape)}`,
    fixes,
  );
}

/** Padding that is not zeros goes through torch's F.pad before the convolution. */
function padProblem(s) {
  const d = dimsOf(s);
  const most = s.mode === "circular" ? 0 : 1; // a reflection leaves out the outermost cell
  const less = Array.isArray(s.padding) ? [lessPadding(s, (a) => spatial(s)[a] - most)] : [];
  const fixes = [...less, fix(s, { mode: "zeros" })];
  // the last axis is checked first
  for (const axis of s.mode === "replicate" ? [] : range(d).reverse()) {
    const [before, after] = paddingOf(s, axis);
    if (Math.max(before, after) <= spatial(s)[axis] - most) continue;
    return s.mode === "circular"
      ? problemOf(
          "padding#circular-too-large",
          "Padding value causes wrapping around more than once.",
          fixes,
        )
      : problemOf(
          "padding#reflect-too-large",
          `Argument #${4 + 2 * (d - 1 - axis)}: Padding size should be less than the ` +
            `corresponding input dimension, but got: padding (${before}, ${after}) at dimension ` +
            `${s.shape.length - d + axis} of input ${listed(s.shape)}`,
          fixes,
        );
  }
  const padded = paddedOf(s);
  return padded.every((size) => size < 1) || padded.some((size) => size < 0)
    ? inOurWords("padding#padding-empties", "The padding removes the whole input.", [
        fix(s, { padding: each(s, () => 0) }),
      ])
    : null;
}

function signProblem(s) {
  const say = (code, message) => problemOf(`convolution#${code}`, message, [lifted(s)]);
  if (s.mode === "zeros" && windowsOf(s).some((w) => w.before + w.after < -1))
    return say("negative-padding", "negative padding is not supported");
  if (isTransposed(s) && s.outputPadding.some((p) => p < 0))
    return say("negative-output-padding", "negative output_padding is not supported");
  if (s.stride.some((step) => step <= 0))
    return say("stride-not-positive", "non-positive stride is not supported");
  if (s.dilation.some((step) => step < 0))
    return say("dilation-not-positive", "dilation should be greater than zero");
  return null;
}

/** The input as the convolution sees it: with a batch axis, and padded by F.pad or 'same'. */
function seenShape(s) {
  const grown = each(s, (axis) => {
    const [before, after] = paddingOf(s, axis);
    if (s.mode !== "zeros") return spatial(s)[axis] + before + after;
    return spatial(s)[axis] + (s.padding === "same" ? after - before : 0);
  });
  return [batched(s) ? s.shape[0] : 1, channelsOf(s), ...grown];
}

function channelProblem(s, weight) {
  const t = isTransposed(s);
  const channels = channelsOf(s);
  if (weight[0] < s.groups)
    return inOurWords("convolution#groups-do-not-divide", "There are more groups than channels.", [
      lifted(s),
    ]);
  const expected = t ? weight[0] : weight[1] * s.groups;
  if (channels === expected) return null;
  const divides = channels % s.groups === 0 && s.out % s.groups === 0;
  return problemOf(
    "inputs#channels-mismatch",
    `Given ${t ? "transposed=1" : `groups=${s.groups}`}, weight of size ${listed(weight)}, ` +
      `expected input${listed(seenShape(s))} to have ${expected} channels, but got ` +
      `${channels} channels instead`,
    [
      fix(s, { in: channels, ...(divides ? {} : { groups: 1 }) }),
      ...(s.in > 0 ? [fix(s, { shape: withChannels(s, s.in) })] : []),
    ],
  );
}

function kernelProblem(s) {
  const spans = windowsOf(s).map(spanOf);
  const padded = paddedOf(s);
  if (spans.every((span, a) => span <= padded[a])) return null;
  return problemOf(
    "inputs#kernel-larger-than-input",
    `Calculated padded input size per channel: (${padded.join(" x ")}). Kernel size: ` +
      `(${spans.join(" x ")}). Kernel size can't be greater than actual input size`,
    sizeFixes(s),
  );
}

/** A kernel that fits into the input, an input that has room for the kernel. */
function sizeFixes(s) {
  const windows = windowsOf(s);
  const padded = paddedOf(s);
  const kernel = windows.map((w, a) => {
    const fits = Math.floor((padded[a] - 1) / Math.max(1, w.dilation)) + 1;
    return Math.max(1, isPool(s) ? 2 * w.before : 1, Math.min(w.kernel, fits));
  });
  const missing = windows.map((w, a) => Math.max(0, spanOf(w) - padded[a]));
  const sizes = spatial(s).map((size, a) => size + missing[a]);
  const fixes = [fix(s, { shape: [...s.shape.slice(0, -dimsOf(s)), ...sizes] })];
  if (!isPool(s) && Array.isArray(s.padding) && s.mode === "zeros")
    fixes.unshift(fix(s, { padding: s.padding.map((p, a) => p + Math.ceil(missing[a] / 2)) }));
  if (padded.every((size) => size > 0) && !same(kernel, s.kernel)) fixes.unshift(fix(s, { kernel }));
  return fixes;
}

/**
 * Settings that PyTorch refuses in words that depend on the library it computes with (oneDNN has
 * one line for nearly all of them). Some builds run a dilation of 0, no output channels, or a
 * transposed output without cells.
 */
function cellsProblem(s) {
  if (s.kernel.includes(0))
    return inOurWords("convolution#kernel-not-positive", "The kernel has no cells.", [lifted(s)]);
  if (s.dilation.includes(0))
    return inOurWords("convolution#dilation-not-positive", "A dilation is at least 1.", [lifted(s)]);
  if (s.out === 0)
    return inOurWords("convolution#negative-size", "The layer has no filter.", [lifted(s)]);
  const out = outOf(s);
  if (!isTransposed(s) || out.every((size) => size > 0)) return null;
  return inOurWords(
    "inputs#transposed-output-too-small",
    `The output would be ${out.join(" × ")}: it has no cells.`,
    [
      fix(s, {
        padding: s.padding.map((p, a) => Math.max(0, p - Math.ceil(Math.max(0, 1 - out[a]) / 2))),
      }),
    ],
  );
}

function outputPaddingProblem(s) {
  if (s.kernel.includes(0) || s.dilation.includes(0)) return null;
  // torch runs one axis as the second of two
  const pair = (values, lone) => (dimsOf(s) === 1 ? [lone, values[0]] : values);
  const extra = pair(s.outputPadding, 0);
  const stride = pair(s.stride, 1);
  const dilation = pair(s.dilation, 1);
  if (!extra.some((p, a) => p >= stride[a] && p >= dilation[a])) return null;
  const named = (name, values) => `${name}_height: ${values[0]} ${name}_width: ${values[1]}`;
  const most = (a) => Math.max(s.stride[a], s.dilation[a]) - 1;
  return problemOf(
    "convolution#output-padding-too-large",
    "output padding must be smaller than either stride or dilation, but got " +
      `${named("output_padding", extra)} ${named("stride", stride)} ${named("dilation", dilation)}`,
    [fix(s, { outputPadding: s.outputPadding.map((p, a) => Math.min(p, most(a))) })],
  );
}

/** MaxPool1d has words of its own; AvgPool1d runs as one row of AvgPool2d. */
function poolProblem(s) {
  const wrong = rankProblem(s) ?? poolSignProblem(s);
  if (wrong) return wrong;
  const lone = s.kind === "MaxPool1d";
  const wide = (values) => (dimsOf(s) === 1 ? [1, ...values] : values);
  const windows = windowsOf(s);
  const half = (w) => Math.floor(w.kernel / 2);
  const over = windows.find((w) => w.before > (lone ? half(w) : Math.floor(spanOf(w) / 2)));
  const fixes = [lessPadding(s, (a) => half(windows[a]))];
  if (over)
    return problemOf(
      "pooling#pool-padding",
      lone
        ? `max_pool1d() padding should be at most half of kernel size, but got padding=` +
            `${over.before} and kernel_size=${over.kernel}`
        : `pad should be at most half of effective kernel size, but got pad=${over.before}, ` +
            `kernel_size=${over.kernel} and dilation=${over.dilation}`,
      fixes,
    );
  if (windows.some((w) => w.before > half(w)))
    return inOurWords("pooling#pool-padding", "A padding is more than half the kernel.", fixes);
  const out = outOf(s);
  if (out.every((cells) => cells > 0)) return null;
  const planes = (sizes) => `(${[channelsOf(s), ...wide(sizes)].join("x")})`;
  return problemOf(
    "pooling#pool-output-too-small",
    lone
      ? `max_pool1d() Invalid computed output size: ${out[0]}`
      : `Given input size: ${planes(spatial(s))}. Calculated output size: ${planes(out)}. ` +
          `Output size is too small`,
    sizeFixes(s),
  );
}

function poolSignProblem(s) {
  for (const [key, what, code] of [
    ["kernel", "kernel_size", "kernel"],
    ["stride", "stride", "stride"],
    ["before", "padding", "negative-padding"],
    ["dilation", "dilation", "dilation"],
  ]) {
    const least = key === "before" ? 0 : 1;
    if (windowsOf(s).some((w) => w[key] < least))
      return inOurWords(`pooling#pool-${code}`, `${what} must be at least ${least}.`, [lifted(s)]);
  }
  return null;
}
