/*
 * The little of SVG that pictures of histories need: elements as text, everything escaped.
 */

type Attributes = Readonly<Record<string, string | number>>;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as it stands in XML; characters that XML does not know become spaces. */
export function escaped(text: string): string {
  const known = text.replace(/[^\t\n\r\u0020-\ufffd]/g, ' ');
  return known.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** An element with children that are markup already. */
export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(round(value))}"`);
  return children.length === 0 ? `<${name}${list.join('')}/>` : `<${name}${list.join('')}>${children.join('')}</${name}>`;
}

/** A piece of text at a place. */
export function text(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escaped(content));
}

const round = (value: string | number): string => (typeof value === 'number' ? String(Math.round(value * 10) / 10) : value);
