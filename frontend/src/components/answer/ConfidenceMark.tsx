import { CONFIDENCE_WORDS, type Confidence } from "../../state/confidence";

const BARS: Record<Confidence, number> = { low: 1, medium: 2, high: 3 };

/** How sure an answer is: a word, and a shape that is read at a glance and without colors. */
export function ConfidenceMark({ confidence }: { confidence: Confidence }) {
  return (
    <span className={`confidence ${confidence}`}>
      <svg width="18" height="13" aria-hidden="true">
        {[1, 2, 3].map((bar) => (
          <rect
            key={bar}
            className={bar <= BARS[confidence] ? "full" : "empty"}
            x={(bar - 1) * 6.5}
            y={13 - (3 + bar * 3.2)}
            width={5}
            height={3 + bar * 3.2}
          />
        ))}
      </svg>
      {CONFIDENCE_WORDS[confidence]}
    </span>
  );
}
