/** A nominal type: a string that says what it is, so that an id of one thing is never taken for an id of another. */
declare const brand: unique symbol
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

export type SiteId = Brand<string, 'SiteId'>
export type EventId = Brand<string, 'EventId'>
