/** One of @mdi/js, sized by the text around it. Never the only name of a control. */
export function Icon({ path, className }: { path: string; className?: string }) {
  return (
    <svg className={`icon ${className ?? ""}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
