/* What PyTorch says to a pool that it refuses. */

function poolProblem(s) {
  return s.kind === "MaxPool1d" ? maxPool1dProblem(s) : pool2dProblem(s);
}

const halfFix = (s) =>
  fix(s, {
    padding: each(s, (a) => Math.min(s.padding[a], Math.floor(Math.max(1, s.kernel[a]) / 2))),
    dilation: atLeastOne(s.dilation),
    kernel: atLeastOne(s.kernel),
  });
const paddingFix = (s) => fix(s, { padding: s.padding.map((p) => Math.max(0, p)) });

function maxPool1dProblem(s) {
  const say = (code, text, ...fixes) => problemOf(code, `max_pool1d() ${text}`, fixes);
  const [k] = s.kernel,
    [step] = s.stride,
    [pad] = s.padding,
    [dilation] = s.dilation;
  if (![2, 3].includes(s.shape.length))
    return problemOf(
      "pooling#pool-rank",
      `max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for ` +
        `input, but got:${listed(s.shape)}`,
      dimsFixes(s),
    );
  if (k <= 0)
    return say(
      "pooling#pool-kernel",
      `kernel_size must be greater than zero, but got ${k}`,
      kernelFix(s),
    );
  if (step <= 0)
    return say(
      "pooling#pool-stride",
      `stride must be greater than zero, but got ${step}`,
      strideFix(s),
    );
  if (pad < 0)
    return say(
      "pooling#pool-negative-padding",
      `padding must be non-negative, but got ${pad}`,
      paddingFix(s),
    );
  if (pad > Math.floor(k / 2))
    return say(
      "pooling#pool-padding",
      `padding should be at most half of kernel size, but got padding=${pad} and kernel_size=${k}`,
      halfFix(s),
    );
  if (dilation <= 0)
    return say(
      "pooling#pool-dilation",
      `dilation must be greater than zero, but got ${dilation}`,
      dilationFix(s),
    );
  const out = outputSize(windowsOf(s)[0], spatial(s)[0]);
  return out > 0
    ? null
    : say("pooling#pool-output-too-small", `Invalid computed output size: ${out}`, ...poolFixes(s));
}

function poolFixes(s) {
  const windows = windowsOf(s),
    padded = windows.map((w, a) => spatial(s)[a] + w.before + w.after);
  const fits = each(s, (a) =>
    Math.max(
      1,
      2 * s.padding[a],
      Math.min(s.kernel[a], Math.floor((padded[a] - 1) / windows[a].dilation) + 1),
    ),
  );
  const sizes = each(s, (a) => spatial(s)[a] + Math.max(0, spanOf(windows[a]) - padded[a]));
  const larger = [...s.shape.slice(0, -dimsOf(s)), ...sizes];
  const smaller = `${fits}` === `${s.kernel}` ? [] : [fix(s, { kernel: fits })];
  return [...smaller, fix(s, { shape: larger })];
}

function poolDimsProblem(s) {
  const have = s.shape.length,
    d = dimsOf(s),
    wrong = (message, type) => problemOf("pooling#pool-rank", message, dimsFixes(s), type);
  if ([d + 1, d + 2].includes(have)) return null;
  if (s.kind === "MaxPool2d")
    return wrong("non-empty 3D or 4D (batch mode) tensor expected for input");
  if (s.kind === "AvgPool1d")
    return wrong(
      `Expected 2 to 3 dimensions, but got ${have}-dimensional tensor for argument #1 ` +
        `'self' (while checking arguments for avg_pool1d)`,
    );
  if (have < 3)
    return wrong(
      `Dimension out of range (expected to be in range of [-${have}, ${have - 1}], but got -3)`,
      "IndexError",
    );
  return wrong(
    `Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but ` +
      `got:${listed(s.shape)}`,
  );
}

/** MaxPool2d, AvgPool2d, and AvgPool1d, which torch runs as one row of AvgPool2d. */
function pool2dProblem(s) {
  const wide = (values, lone) => (dimsOf(s) === 1 ? [lone, values[0]] : values);
  const kernel = wide(s.kernel, 1),
    stride = wide(s.stride, 1),
    pad = wide(s.padding, 0);
  const dilation = familyOf(s) === "max" ? wide(s.dilation, 1) : [1, 1],
    size = wide(spatial(s), 1);
  const dims = poolDimsProblem(s),
    late = s.kind === "AvgPool2d" && s.shape.length > 4;
  if (dims && !late) return dims;
  for (const a of [0, 1]) {
    if (stride[a] === 0)
      return problemOf("pooling#pool-stride", "stride should not be zero", [strideFix(s)]);
    if (pad[a] < 0)
      return problemOf(
        "pooling#pool-negative-padding",
        `pad must be non-negative, but got pad: ${pad[a]}`,
        [paddingFix(s)],
      );
    if (pad[a] > Math.trunc(((kernel[a] - 1) * dilation[a] + 1) / 2))
      return problemOf(
        "pooling#pool-padding",
        `pad should be at most half of effective kernel size, but got pad=${pad[a]}, ` +
          `kernel_size=${kernel[a]} and dilation=${dilation[a]}`,
        [halfFix(s)],
      );
  }
  const two = (code, text, names, values, fixed) =>
    problemOf(
      code,
      `${text} should be greater than zero, but got ${names[0]}: ${values[0]} ${names[1]}: ` +
        `${values[1]}`,
      [fixed],
    );
  if (kernel.some((k) => k <= 0))
    return two("pooling#pool-kernel", "kernel size", ["kH", "kW"], kernel, kernelFix(s));
  if (stride.some((k) => k <= 0))
    return two("pooling#pool-stride", "stride", ["dH", "dW"], stride, strideFix(s));
  if (dilation.some((k) => k <= 0))
    return two(
      "pooling#pool-dilation",
      "dilation",
      ["dilationH", "dilationW"],
      dilation,
      dilationFix(s),
    );
  if (dims) return dims;
  if (pad.some((p, a) => p > Math.floor(kernel[a] / 2)))
    return problemOf(
      "pooling#pool-padding",
      `pad should be smaller than or equal to half of kernel size, but got padW = ` +
        `${pad[1]}, padH = ${pad[0]}, kW = ${kernel[1]}, kH = ${kernel[0]}`,
      [halfFix(s)],
    );
  const out = wide(
    windowsOf(s).map((w, a) => outputSize(w, spatial(s)[a])),
    1,
  );
  if (out.every((cells) => cells > 0)) return null;
  const planes = channelsOf(s);
  return problemOf(
    "pooling#pool-output-too-small",
    `Given input size: (${planes}x${size.join("x")}). Calculated output size: ` +
      `(${planes}x${out.join("x")}). Output size is too small`,
    poolFixes(s),
  );
}

const tuple = (values) => (new Set(values).size === 1 ? `${values[0]}` : `(${values.join(", ")})`);
