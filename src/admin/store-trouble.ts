import { StoreError } from '../store/store.ts'
import { Problem } from './problem.ts'

/** What the store cannot do now is an answer like any other: 503, and when to come again. */
export const orUnavailable = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    throw new Problem(
      'store_unavailable',
      'The store cannot be reached now; nothing was changed. Try again.',
      {
        retryAfterSeconds: error.code === 'busy' ? 1 : 10,
        cause: error,
      },
    )
  }
}
