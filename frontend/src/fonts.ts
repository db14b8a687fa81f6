import regular from "@fontsource/roboto/files/roboto-latin-400-normal.woff2?inline";
import medium from "@fontsource/roboto/files/roboto-latin-500-normal.woff2?inline";

/** Roboto as data URLs: nothing is fetched, and exported pictures can contain it. */
const FONTS = [
  { weight: "400", source: regular },
  { weight: "500", source: medium },
];

export function addFonts(): void {
  for (const { weight, source } of FONTS) {
    document.fonts.add(new FontFace("Roboto", `url(${source})`, { weight }));
  }
}

/** The same fonts as a stylesheet, for a standalone SVG. */
export function fontStyles(): string {
  return FONTS.map(
    ({ weight, source }) =>
      `@font-face{font-family:Roboto;font-weight:${weight};src:url(${source}) format("woff2")}`,
  ).join("");
}
