/** Two values at one place of the x axis, with a bar between them. */
export interface Pair {
  id: string;
  x: number;
  /** Not finite where there is none. */
  y: number;
  other: number;
  color: string;
  /** Nothing came of it: a cross at the upper edge. */
  lost: boolean;
  hollow: boolean;
  strong: boolean;
  /** Written above it; may be empty. */
  text: string;
}
