/** The port on which a node's DNS listens: not 53, which a resolver of the machine may hold. */
export const dnsPort = 10_053;
