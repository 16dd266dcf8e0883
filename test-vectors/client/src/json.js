/** JSON with an indent of two; arrays of plain values stay on one line. */
export function jsonText(value) {
  const write = (v, indent) => {
    if (v === null || typeof v !== 'object') return JSON.stringify(v);
    const inner = `${indent}  `;
    const isArray = Array.isArray(v);
    const items = isArray
      ? v.map((item) => write(item, inner))
      : Object.entries(v).map(([key, item]) => `${JSON.stringify(key)}: ${write(item, inner)}`);
    const [open, close] = isArray ? '[]' : '{}';
    const flat = isArray && v.every((item) => item === null || typeof item !== 'object');
    if (flat || items.length === 0) return open + items.join(', ') + close;
    return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close}`;
  };
  return `${write(value, '')}\n`;
}
