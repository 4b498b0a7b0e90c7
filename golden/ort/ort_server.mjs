// ONNX Runtime behind one socket, standard input: golden/ort/ort_process.hpp starts it and says what passes.
//
//   frame     "assayort", the lengths of header and body (64 bits each, little endian), header, body
//   request   header {model: bytes, tensors: [{name, type, dims, bytes}], outputs: [{type, dims}]}; body: the
//             model, then each tensor's bytes, each piece padded to a multiple of 8
//   answer    header {outputs: [{type, dims}]} in the order of the graph; body their bytes without padding,
//             where they are those of the request, else none; or {error}, a line, and no body
//
// It ends where its input does.
import fs from 'node:fs';
import { InferenceSession, Tensor, env } from 'onnxruntime-node';

env.logLevel = 'fatal';

// One thread and no rewriting: the same bits on every run, from the nodes that were asked for.
const OPTIONS = {
  executionProviders: ['cpu'],
  executionMode: 'sequential',
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'disabled',
  logSeverityLevel: 4,
};

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array, // its bits
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
};
const SOCKET = 0;
const MAGIC = 'assayort';

function readExactly(length) {
  const bytes = Buffer.from(new ArrayBuffer(length));
  for (let at = 0; at < length; ) {
    const got = fs.readSync(SOCKET, bytes, at, Math.min(length - at, 1 << 30), null);
    if (got === 0) process.exit(0);
    at += got;
  }
  return bytes;
}

function write(bytes) {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(SOCKET, bytes, at, Math.min(bytes.length - at, 1 << 30));
}

function readRequest() {
  const prefix = readExactly(24);
  if (prefix.toString('latin1', 0, 8) !== MAGIC) process.exit(1); // not one of ours: no way to go on
  const header = JSON.parse(readExactly(Number(prefix.readBigUInt64LE(8))).toString());
  const body = readExactly(Number(prefix.readBigUInt64LE(16))).buffer;
  return { header, body };
}

function answer(header, pieces = []) {
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(24, MAGIC, 'latin1');
  prefix.writeBigUInt64LE(BigInt(text.length), 8);
  prefix.writeBigUInt64LE(BigInt(pieces.reduce((sum, piece) => sum + piece.length, 0)), 16);
  for (const bytes of [prefix, text, ...pieces]) write(bytes);
}

const padded = (length) => Math.ceil(length / 8) * 8;

async function run({ header, body }) {
  const session = await InferenceSession.create(new Uint8Array(body, 0, header.model), OPTIONS);
  const feeds = {};
  let at = padded(header.model);
  for (const { name, type, dims, bytes } of header.tensors) {
    const array = ARRAYS[type];
    feeds[name] = new Tensor(type, new array(body, at, bytes / array.BYTES_PER_ELEMENT), dims);
    at += padded(bytes);
  }
  const results = await session.run(feeds);
  await session.release();
  return session.outputNames.map((name) => results[name]);
}

// The asker knows how much it can take: what is not as it expects is described alone.
const expected = (outputs, wanted) =>
  outputs.length === wanted.length &&
  outputs.every(({ type, dims }, i) => type === wanted[i].type && String(dims) === String(wanted[i].dims));

for (;;) {
  const request = readRequest();
  try {
    const outputs = await run(request);
    answer(
      { outputs: outputs.map(({ type, dims }) => ({ type, dims })) },
      expected(outputs, request.header.outputs)
        ? outputs.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
        : [],
    );
  } catch (error) {
    answer({ error: String(error.message ?? error).replace(/\s+/g, ' ').trim() });
  }
}
