/* What PyTorch says to a convolution that it refuses, and settings that mend it. */

const problemOf = (code, message, fixes, type = "RuntimeError") => ({
  code,
  type,
  message,
  fixes,
});

/** A change of a setting that mends it, in words: "Use stride=1". */
function fix(s, patch) {
  const { shape, ...rest } = patch;
  const changed = Object.keys(rest).filter((key) => !same(s[key], rest[key]));
  const use = changed.map((key) => `${parameter(key)[0]}=${typed(rest[key])}`).join(", ");
  const give = shape && !same(shape, s.shape) ? `x of shape ${listed(shape)}` : "";
  return { text: `Use ${[use, give].filter(Boolean).join(" and ")}`, patch };
}

const each = (s, value) =>
  range(dimsOf(s)).map((axis) => (typeof value === "function" ? value(axis) : value));

const inChannelsFix = (s) =>
  fix(s, {
    in: channelsOf(s),
    ...(channelsOf(s) % s.groups || s.out % s.groups ? { groups: 1 } : {}),
  });

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
  const value = (code, message, ...fixes) => problemOf(code, message, fixes, "ValueError");
  const ungrouped = fix(s, { groups: 1 });
  if (isTransposed(s) && s.mode !== "zeros") {
    return value(
      "convolution#transposed-padding-mode",
      `Only "zeros" padding mode is supported for ${s.kind}`,
      fix(s, { mode: "zeros" }),
    );
  }
  if (s.groups <= 0)
    return value("convolution#groups-not-positive", "groups must be a positive integer", ungrouped);
  for (const [name, text] of [
    ["in", "in_channels"],
    ["out", "out_channels"],
  ]) {
    if (s[name] % s.groups) {
      const more = Math.max(1, Math.ceil(s[name] / s.groups)) * s.groups;
      return value(
        "convolution#groups-do-not-divide",
        `${text} must be divisible by groups`,
        ungrouped,
        fix(
          s,
          name === "in" && s.shape.length > dimsOf(s)
            ? { in: more, shape: withChannels(s, more) }
            : { [name]: more },
        ),
      );
    }
  }
  if (s.padding === "same" && !isTransposed(s) && s.stride.some((step) => step !== 1)) {
    return value(
      "convolution#same-with-stride",
      "padding='same' is not supported for strided convolutions",
      fix(s, { stride: each(s, 1) }),
      fix(s, {
        padding: each(s, (a) => Math.max(0, Math.floor((s.dilation[a] * (s.kernel[a] - 1)) / 2))),
      }),
    );
  }
  const weight = weightShape(s),
    negative = weight.find((size) => size < 0);
  if (negative !== undefined)
    return problemOf(
      "convolution#negative-size",
      `Trying to create tensor with negative dimension ${negative}: ${listed(weight)}`,
      [positiveFix(s)],
    );
  return null;
}

const positiveFix = (s) =>
  fix(s, {
    in: Math.max(1, s.in),
    out: Math.max(1, s.out),
    kernel: s.kernel.map((k) => Math.max(1, k)),
    ...(Math.max(1, s.in) % s.groups || Math.max(1, s.out) % s.groups ? { groups: 1 } : {}),
  });

function forwardProblem(s) {
  const weight = weightShape(s),
    t = isTransposed(s);
  if (t && typeof s.padding === "string")
    return problemOf(
      "dtypes#constructor-arguments",
      `conv_transpose${dimsOf(s)}d(): argument 'padding' (position 5) must be tuple of ` +
        `ints, but found element of type str at pos 0`,
      [fix(s, { padding: each(s, 0) })],
      "TypeError",
    );
  const wrongMode = s.mode !== "zeros" ? padProblem(s) : null;
  if (wrongMode) return wrongMode;
  const wrong = dimsProblem(s) ?? signProblem(s) ?? channelProblem(s, weight);
  if (wrong) return wrong;
  return t ? (outputPaddingProblem(s) ?? ownWords(s)) : (kernelProblem(s) ?? ownWords(s));
}

function dimsProblem(s) {
  const d = dimsOf(s),
    name = isTransposed(s) ? "conv_transpose" : "conv";
  if ([d + 1, d + 2].includes(s.shape.length)) return null;
  return problemOf(
    "inputs#conv-rank",
    `Expected ${d + 1}D (unbatched) or ${d + 2}D (batched) input to ${name}${d}d, but got ` +
      `input of size: ${listed(s.shape)}`,
    dimsFixes(s),
  );
}

function dimsFixes(s) {
  const d = dimsOf(s),
    want = d + 1,
    have = s.shape.length,
    channels = isPool(s) ? 1 : s.in;
  if (have < want) {
    const fixes = [fix(s, { shape: [channels, ...[...each(s, 4), ...s.shape].slice(-d)] })];
    if (have === d && channels !== 1)
      fixes.unshift(
        fix(s, {
          shape: [1, ...s.shape],
          in: 1,
          groups: 1,
        }),
      );
    return fixes;
  }
  const last = s.shape.slice(-want);
  return [fix(s, { shape: last })];
}

/** Padding that is not zeros goes through torch's F.pad before the convolution. */
function padProblem(s) {
  const d = dimsOf(s),
    have = s.shape.length,
    zeros = fix(s, { mode: "zeros" });
  if (2 * d > 2 * have)
    return problemOf(
      "padding#padding-rank",
      `Padding length should be less than or equal to two times the input dimension but got ` +
        `padding length ${2 * d} and input of dimension ${have}`,
      dimsFixes(s),
    );
  if (s.mode === "circular") return circularProblem(s, zeros);
  if (![d + 1, d + 2].includes(have)) return unpaddable(s);
  const order = [...range(d)].reverse(); // the last axis is checked first
  for (const axis of s.mode === "reflect" ? order : []) {
    const [before, after] = paddingOf(s, axis),
      size = spatial(s)[axis],
      dim = have - d + axis;
    if (before < size && after < size) continue;
    return problemOf(
      "padding#reflect-too-large",
      `Argument #${4 + 2 * (d - 1 - axis)}: Padding size should be less than the ` +
        `corresponding input dimension, but got: padding (${before}, ${after}) at dimension ` +
        `${dim} of input ${listed(s.shape)}`,
      [...reducedPadding(s, (a) => spatial(s)[a] - 1), zeros],
    );
  }
  const padded = range(d).map((a) => spatial(s)[a] + paddingOf(s, a)[0] + paddingOf(s, a)[1]);
  const none = padded.every((size) => size < 1),
    negative = padded.find((size) => size < 0);
  if (!none && negative === undefined) return null;
  return problemOf(
    "padding#padding-empties",
    none
      ? tooSmall(s, padded)
      : s.mode === "reflect"
        ? "numel: integer multiplication overflow"
        : `Trying to create tensor with negative dimension ${negative}: ` +
          `${listed([...s.shape.slice(0, -d), ...padded])}`,
    [fix(s, { padding: each(s, 0) })],
  );
}

const unpaddable = (s) =>
  problemOf(
    "padding#padding-rank",
    [
      `Padding size ${2 * dimsOf(s)} is not supported for ${s.shape.length}D input tensor.`,
      "Supported combinations for non-constant padding:",
      "  - 2D or 3D input: padding size = 2 (pads last dimension)",
      "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)",
      "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)",
    ].join("\n"),
    dimsFixes(s),
    "NotImplementedError",
  );

function tooSmall(s, padded) {
  const [h, w] = spatial(s);
  return dimsOf(s) === 1
    ? `input (W: ${h}) is too small. Calculated output W: ${padded[0]}`
    : `input (H: ${h}, W: ${w}) is too small. Calculated output H: ${padded[0]} W: ${padded[1]}`;
}

const reducedPadding = (s, most) =>
  s.padding === "same"
    ? []
    : [fix(s, { padding: each(s, (a) => Math.min(s.padding[a], most(a))) })];

function circularProblem(s, zeros) {
  if (![dimsOf(s) + 1, dimsOf(s) + 2].includes(s.shape.length)) return unpaddable(s);
  for (const axis of range(dimsOf(s)).reverse()) {
    const size = spatial(s)[axis],
      [before, after] = paddingOf(s, axis);
    if (before > size || after > size)
      return problemOf(
        "padding#circular-too-large",
        "Padding value causes wrapping around more than once.",
        [...reducedPadding(s, (a) => spatial(s)[a]), zeros],
      );
    if (size + before + after < 0)
      return problemOf(
        "padding#padding-empties",
        "Negative padding value is resulting in an empty dimension",
        [fix(s, { padding: each(s, 0) })],
      );
  }
  return null;
}

function signProblem(s) {
  const odd =
    s.padding === "same" &&
    range(dimsOf(s)).some((axis) => s.dilation[axis] * (s.kernel[axis] - 1) < -1);
  const below = Array.isArray(s.padding) && s.padding.some((p) => p < 0);
  if (s.mode === "zeros" && (odd || below))
    return problemOf("convolution#negative-padding", "negative padding is not supported", [
      odd
        ? fix(s, {
            kernel: atLeastOne(s.kernel),
            dilation: atLeastOne(s.dilation),
          })
        : fix(s, { padding: s.padding.map((p) => Math.max(0, p)) }),
    ]);
  if (isTransposed(s) && s.outputPadding.some((p) => p < 0))
    return problemOf(
      "convolution#negative-output-padding",
      "negative output_padding is not supported",
      [
        fix(s, {
          outputPadding: s.outputPadding.map((p) => Math.max(0, p)),
        }),
      ],
    );
  if (s.stride.some((step) => step <= 0))
    return problemOf("convolution#stride-not-positive", "non-positive stride is not supported", [
      strideFix(s),
    ]);
  if (s.dilation.some((step) => step < 0))
    return problemOf("convolution#dilation-not-positive", "dilation should be greater than zero", [
      dilationFix(s),
    ]);
  return null;
}

const atLeastOne = (values) => values.map((value) => Math.max(1, value));
const strideFix = (s) => fix(s, { stride: atLeastOne(s.stride) });
const dilationFix = (s) => fix(s, { dilation: atLeastOne(s.dilation) });
const kernelFix = (s) => fix(s, { kernel: atLeastOne(s.kernel) });

/** The input as the convolution sees it: with a batch axis, and padded by F.pad or 'same'. */
function seenShape(s) {
  const grown = range(dimsOf(s)).map((axis) => {
    const [before, after] = paddingOf(s, axis);
    if (s.mode !== "zeros") return spatial(s)[axis] + before + after;
    return spatial(s)[axis] + (s.padding === "same" ? after - before : 0);
  });
  return [batched(s) ? s.shape[0] : 1, channelsOf(s), ...grown];
}

function channelProblem(s, weight) {
  const t = isTransposed(s);
  if (weight[0] < s.groups)
    return problemOf(
      "convolution#groups-do-not-divide",
      `Given groups=${s.groups}, expected weight to be at least ${s.groups} at dimension 0, ` +
        `but got weight of size ${listed(weight)} instead`,
      [positiveFix(s)],
    );
  const expected = t ? weight[0] : weight[1] * s.groups;
  if (channelsOf(s) === expected) return null;
  return problemOf(
    "inputs#channels-mismatch",
    `Given ${t ? "transposed=1" : `groups=${s.groups}`}, weight of size ${listed(weight)}, ` +
      `expected input${listed(seenShape(s))} to have ${expected} channels, but got ` +
      `${channelsOf(s)} channels instead`,
    [inChannelsFix(s), ...(s.in > 0 ? [fix(s, { shape: withChannels(s, s.in) })] : [])],
  );
}

function kernelProblem(s) {
  const windows = windowsOf(s),
    padded = windows.map((w, a) => spatial(s)[a] + w.before + w.after);
  if (windows.every((w, a) => spanOf(w) <= padded[a])) return null;
  const by = (sizes) => sizes.join(" x ");
  return problemOf(
    "inputs#kernel-larger-than-input",
    `Calculated padded input size per channel: (${by(padded)}). Kernel size: ` +
      `(${by(windows.map(spanOf))}). Kernel size can't be greater than actual input size`,
    kernelFixes(s, windows, padded),
  );
}

function kernelFixes(s, windows, padded) {
  const fits = each(s, (a) =>
    Math.max(
      1,
      Math.min(s.kernel[a], Math.floor((padded[a] - 1) / Math.max(1, s.dilation[a])) + 1),
    ),
  );
  const missing = each(s, (a) => Math.max(0, spanOf(windows[a]) - padded[a]));
  const fixes = [];
  if (padded.every((size) => size > 0)) fixes.push(fix(s, { kernel: fits }));
  if (Array.isArray(s.padding) && s.mode === "zeros") {
    const wider = each(s, (a) => s.padding[a] + Math.ceil(missing[a] / 2));
    fixes.push(fix(s, { padding: wider }));
  }
  const sizes = each(s, (a) => spatial(s)[a] + missing[a]);
  fixes.push(
    fix(s, {
      shape: [...s.shape.slice(0, -dimsOf(s)), ...sizes],
    }),
  );
  return fixes;
}

/**
 * Settings that PyTorch refuses in words that depend on the library it computes with (oneDNN has
 * one line for nearly all of them): said in our own words. Some builds run a dilation of 0, no
 * output channels, or a transposed output without cells.
 */
function ownWords(s) {
  const say = (code, message, fixed) => ({ ...problemOf(code, message, [fixed]), own: true });
  if (s.kernel.includes(0))
    return say("convolution#kernel-not-positive", "The kernel has no cells.", kernelFix(s));
  if (s.dilation.includes(0))
    return say("convolution#dilation-not-positive", "A dilation is at least 1.", dilationFix(s));
  if (s.out === 0)
    return say("convolution#negative-size", "The layer has no filter.", positiveFix(s));
  const out = windowsOf(s).map((w, a) => outputSize(w, spatial(s)[a]));
  if (!isTransposed(s) || out.every((size) => size > 0)) return null;
  return say(
    "inputs#transposed-output-too-small",
    `The output would be ${out.join(" × ")}: it has no cells.`,
    croppedFix(s, out),
  );
}

function outputPaddingProblem(s) {
  if (s.kernel.includes(0) || s.dilation.includes(0)) return null;
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
    [
      fix(s, {
        outputPadding: each(s, (a) => Math.min(s.outputPadding[a], most(a))),
      }),
    ],
  );
}

const croppedFix = (s, out) =>
  fix(s, {
    padding: each(s, (a) => Math.max(0, s.padding[a] - Math.ceil((1 - Math.min(1, out[a])) / 2))),
  });
