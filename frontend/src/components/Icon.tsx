/** An icon of @mdi/js, as large as the text around it. Hidden from screen readers. */
export function Icon({ path, className }: { path: string; className?: string }) {
  return (
    <svg className={`icon ${className ?? ""}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
