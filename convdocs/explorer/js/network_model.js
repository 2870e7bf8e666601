/* A network in the page: its calls, its numbers, and what they become when something changes. */
function decoded({ shape, data }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return { shape, data: new Float32Array(bytes.buffer) };
}

/** How a tensor is shown: so many maps of rows x columns, or a vector. */
function sheet(shape, axes, batched) {
  const own = batched && shape[0] === 1 && shape.length > 1 ? shape.slice(1) : shape;
  const vector = own.length < 2,
    strips = own.length === 2 && /C L$/.test(axes);
  const [rows, columns] = vector || strips ? [1, own.at(-1) ?? 1] : own.slice(-2);
  return { maps: count(own) / (rows * columns) || 0, rows, columns, vector, strips };
}

class Network {
  constructor(data) {
    this.model = data.model;
    this.tensors = data.tensors.map(decoded);
    this.given = data.tensors.map(() => null); // weights as they were before the first change
    this.samples = data.samples.map((place) => this.tensors[place]);
    this.inputs = data.inputs.map((place) => ({ ...this.tensors[place] }));
    this.inputs[0].data = this.inputs[0].data.slice();
    Object.assign(this, {
      labels: data.labels,
      classes: data.classes,
      batched: data.batched,
      live: data.live,
      stopped: data.stopped,
      modules: data.modules,
      blocks: data.blocks,
      sample: 0,
    });
    this.calls = data.calls.map((call, index) => ({ index, ...call, op: this.linked(call.op) }));
    this.recorded = data.recorded.map((values) =>
      values.map((place) => (place === null ? null : this.tensors[place].data)),
    );
    const axes = this.calls.find(
      (call) => call.axes && call.shape.length === this.inputs[0].shape.length,
    );
    this.sheets = this.calls.map((call) => sheet(call.shape, call.axes, this.batched));
    this.inputSheet = sheet(this.inputs[0].shape, axes?.axes ?? "", this.batched);
    this.off = new Set(); // "3" for a call, "3.1" for one of its maps
    this.results = this.recorded[0]?.slice() ?? [];
    this.changed = false;
    this.listeners = new Set();
    for (const call of this.calls) if (call.op) this.prepare(call);
    if (this.live && !this.recorded.length) this.run();
  }

  prepare({ op, shape }) {
    const ready = READY[op.op];
    if (ready)
      Object.assign(op, ready(op, op.inputs.map((one) => this.operand(one).shape), shape));
  }

  /** Settings with their tensors put in. */
  linked(op) {
    if (!op) return null;
    const made = { ...op };
    for (const [name, value] of Object.entries(op))
      if (value?.[0] === "tensor") made[name] = this.tensors[value[1]];
    return made;
  }

  operand(one) {
    if (!Array.isArray(one)) return Number(one); // a word for what JSON has no number for
    const [what, number] = one;
    if (what === "tensor") return this.tensors[number];
    return number < 0
      ? (this.inputs[-number - 1] ?? this.inputs[0])
      : { shape: this.calls[number].shape, data: this.results[number] };
  }

  operands(call) {
    return call.op.inputs.map((one) => this.operand(one));
  }

  /** Work every call out anew. */
  run() {
    for (const call of this.calls) if (call.op) this.results[call.index] = this.worked(call);
  }

  worked(call) {
    const { index } = call,
      operands = this.operands(call),
      { maps, rows, columns } = this.sheets[index];
    if (this.off.has(`${index}`)) return this.handedOn(call, operands);
    const y = OPS[call.op.op](call.op, operands, call.shape);
    if (this.off.size)
      for (let map = 0; map < maps; map++)
        if (this.off.has(`${index}.${map}`))
          y.fill(0, map * rows * columns, (map + 1) * rows * columns);
    return y;
  }

  /** What a call that is turned off gives: its input where the shapes agree, or zeros. */
  handedOn(call, operands) {
    const [x] = operands;
    return this.passes(call) ? x.data.slice() : new Float32Array(count(call.shape));
  }

  passes(call) {
    const x = this.operands(call)[0];
    return x?.data?.length === count(call.shape);
  }

  /** The numbers of a call in row order, or of the model's input for -1; null where left out. */
  values(index) {
    return index < 0 ? this.inputs[0].data : (this.results[index] ?? null);
  }

  shape(index) {
    return index < 0 ? this.inputs[0].shape : this.calls[index].shape;
  }

  sheetOf(index) {
    return index < 0 ? this.inputSheet : this.sheets[index];
  }

  /** Give the model another input, in row order, and work everything out. */
  setInput(array) {
    this.refuseUnlessLive();
    const { data, shape } = this.inputs[0];
    if (array?.length !== data.length) {
      throw new RangeError(
        `setInput takes ${data.length} numbers, those of ${shape.join(" x ")}; ` +
          `it was given ${array?.length ?? "none"}`,
      );
    }
    data.set(array);
    this.refresh();
  }

  refuseUnlessLive() {
    if (this.live) return;
    throw new Error(`this network is recorded: ${this.why()}`);
  }

  /** Which call keeps the network from being alive. */
  why() {
    const call = this.calls[this.stopped];
    const place = call.path || "in the model itself";
    return `the page cannot work out call ${call.index}, ${call.code} (${place})`;
  }

  pick(sample) {
    this.sample = sample;
    this.inputs[0].data.set(this.samples[sample].data);
    if (!this.live) this.results = this.recorded[sample].slice();
    this.refresh();
  }

  refresh() {
    if (this.live) {
      this.changed = true;
      this.run();
    }
    for (const hear of this.listeners) hear();
  }

  /** Turn a call, or one map of it, off or on. */
  toggle(key) {
    if (!this.off.delete(key)) this.off.add(key);
    this.refresh();
  }

  setWeight(tensor, at, value) {
    const place = this.tensors.indexOf(tensor);
    this.given[place] ??= tensor.data.slice();
    tensor.data[at] = value;
    this.refresh();
  }

  get altered() {
    return this.off.size > 0 || this.given.some(Boolean);
  }

  /** Weights as they were, everything turned on. */
  restore() {
    this.given.forEach((data, place) => data && this.tensors[place].data.set(data));
    this.given.fill(null);
    this.off.clear();
    this.refresh();
  }
}
