// places.mjs - a MaxMind-format database (MaxMind DB File Format 2.0) with one IPv4 network,
// so that geography is tested without anybody's data.

function control(type, size) {
  if (type > 7) return Buffer.from([size, type - 7]);
  if (size < 29) return Buffer.from([(type << 5) | size]);
  return Buffer.from([(type << 5) | 29, size - 29]);
}

// what the format says of each figure of the metadata; all others are 16 bits
const TYPES = { node_count: 6, build_epoch: 9 };

function encode(value, name) {
  if (typeof value === "string") {
    const text = Buffer.from(value);
    return Buffer.concat([control(2, text.length), text]);
  }
  if (typeof value === "number") {
    const bytes = [];
    for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 255);
    return Buffer.concat([control(TYPES[name] ?? 5, bytes.length), Buffer.from(bytes)]);
  }
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map((inner) => encode(inner))]);
  const pairs = Object.entries(value).flatMap(([key, inner]) => [encode(key), encode(inner, key)]);
  return Buffer.concat([control(7, Object.keys(value).length), ...pairs]);
}

/** The file's bytes: record for address/bits, nothing anywhere else. */
export function placesFile(address, bits, record) {
  const [a, b, c, d] = address.split(".").map(Number);
  const number = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  const tree = Buffer.alloc(bits * 6, 0);
  for (let node = 0; node < bits; node++) {
    const bit = Math.floor(number / 2 ** (31 - node)) & 1;
    const next = node + 1 < bits ? node + 1 : bits + 16; // a pointer to the first byte of data
    tree.writeUIntBE(bit === 0 ? next : bits, node * 6, 3);
    tree.writeUIntBE(bit === 1 ? next : bits, node * 6 + 3, 3);
  }
  const meta = {
    node_count: bits, record_size: 24, ip_version: 4, database_type: "Test", languages: ["en"],
    binary_format_major_version: 2, binary_format_minor_version: 0, build_epoch: 1795000000, description: { en: "one network" },
  };
  return Buffer.concat([tree, Buffer.alloc(16), encode(record), Buffer.from("\xab\xcd\xefMaxMind.com", "latin1"), encode(meta)]);
}
