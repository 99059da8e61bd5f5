//! The other side: a carrier, a stand-in for OpenAI Realtime, and a world under virtual time.
