export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 64 64" aria-hidden className={className}>
      <rect width="64" height="64" rx="14" fill="#2b3a63" />
      <path d="M14 18h12v6H14zM38 29h12v6H38zM14 40h12v6H14z" fill="#9db2ff" />
      <path d="M38 18h12v6H38zM14 29h12v6H14zM38 40h12v6H38z" fill="#9db2ff" opacity=".38" />
      <path d="M29 12h6v40h-6z" fill="#fff" />
    </svg>
  );
}
