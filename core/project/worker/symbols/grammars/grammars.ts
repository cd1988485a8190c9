import type { Grammar } from '../grammar.js'

/** By name; each is loaded with the first file that needs it. */
export const GRAMMARS: Record<string, () => Promise<Grammar>> = {
  javascript: async () => (await import('./javascript.js')).javascript,
  typescript: async () => (await import('./javascript.js')).typescript,
  tsx: async () => (await import('./javascript.js')).tsx,
  python: async () => (await import('./python.js')).python,
  go: async () => (await import('./go.js')).go,
  rust: async () => (await import('./rust.js')).rust,
  java: async () => (await import('./java.js')).java,
  c: async () => (await import('./c.js')).c,
  cpp: async () => (await import('./c.js')).cpp,
  csharp: async () => (await import('./csharp.js')).csharp,
  ruby: async () => (await import('./ruby.js')).ruby,
  php: async () => (await import('./php.js')).php,
  swift: async () => (await import('./swift.js')).swift,
  dart: async () => (await import('./dart.js')).dart,
  kotlin: async () => (await import('./kotlin.js')).kotlin,
  shell: async () => (await import('./shell.js')).shell
}
