/** Where a command writes: `process`, or a test's own lists. */
export interface Io {
  readonly stdout: Output
  readonly stderr: Output
}

export interface Output {
  write(text: string): unknown
}
