//! SIP messages, transactions, dialogs and SDP offer/answer, sans-IO.
