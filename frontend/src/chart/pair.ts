/** Two values at the same x, connected by a bar. */
export interface Pair {
  id: string;
  x: number;
  /** Not finite if there is none. */
  y: number;
  other: number;
  color: string;
  /** Drawn as a cross at the upper edge. */
  diverged: boolean;
  hollow: boolean;
  emphasized: boolean;
  /** Shown above it; may be empty. */
  label: string;
}
