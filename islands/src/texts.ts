// Translations of an island: the page carries them in a block of JSON, made from the same catalogue as the pages' texts.
// The texts themselves are written in English where they are used: t("Tidy up"), t("Step %(name)s", { name }),
// tn("%(count)s person", "%(count)s people", 5). Gathered by `make messages`, so they must be literal.

type Values = Record<string, string | number>;

const block = document.getElementById("island-texts");
const translated = JSON.parse(block?.textContent ?? "{}") as Record<string, string | string[]>;

/** The viewer's language as the page has it: de or en. */
export const language = document.documentElement.lang === "de" ? "de" : "en";

const written = new Intl.NumberFormat(language);

/** A number as the viewer writes it: 5.000 or 5,000. */
export function number(value: number): string {
  return written.format(value);
}

function fill(text: string, values: Values): string {
  return text.replace(/%\((\w+)\)s/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? number(value) : value;
  });
}

/** A text in the viewer's language. */
export function t(text: string, values: Values = {}): string {
  const found = translated[text];
  return fill(typeof found === "string" ? found : text, values);
}

/** A text about a number of things; the number is %(count)s. */
export function tn(one: string, many: string, count: number, values: Values = {}): string {
  const found = translated[one];
  const [single, several] = Array.isArray(found) ? found : [one, many];
  return fill((count === 1 ? single : several) ?? many, { count, ...values });
}
