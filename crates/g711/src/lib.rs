//! G.711 companding kernels.
