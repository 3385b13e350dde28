/** The states of a connection (RFC 9293 §3.3.2). */
export type ConnectionState =
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT'
  | 'CLOSED'

/** All states of the RFC: LISTEN belongs to a port that somebody listens on, not to a connection. */
export type TcpState = 'LISTEN' | ConnectionState
