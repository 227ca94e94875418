// Where a server listens: an address of its own, or a descriptor that a service manager has opened already.

export type Listen = { readonly host: string; readonly port: number } | { readonly fd: number };
