/** Milliseconds since the epoch. */
export const now = 1_763_632_800_000
export const day = 86_400_000
