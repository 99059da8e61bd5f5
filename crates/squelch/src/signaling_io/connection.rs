//! One connection: opened or accepted, read and written until either side ends it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use squelch_sip::{ConnectionId, Protocol};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::arrival::{Arrival, Note};

/// The owner's end of a connection. Dropped, what is queued is written and the connection closes.
#[derive(Debug)]
pub(super) struct Writer {
    /// Our address and the peer's.
    pub(super) ends: (SocketAddr, SocketAddr),
    queue: mpsc::Sender<Bytes>,
    cut: Arc<Notify>,
}

impl Writer {
    /// Queues `bytes`; `false` when the peer has not read for so long that there is no room.
    pub(super) fn write(&self, bytes: Bytes) -> bool {
        !matches!(
            self.queue.try_send(bytes),
            Err(mpsc::error::TrySendError::Full(_))
        )
    }

    /// Ends the connection at once.
    pub(super) fn cut(&self) {
        self.cut.notify_one();
    }
}

/// The connection's end of the same.
#[derive(Debug)]
pub(super) struct Queue {
    writes: mpsc::Receiver<Bytes>,
    cut: Arc<Notify>,
}

pub(super) fn queue(ends: (SocketAddr, SocketAddr)) -> (Writer, Queue) {
    let (queue, writes) = mpsc::channel(WRITES);
    let cut = Arc::new(Notify::new());
    let writer = Writer {
        ends,
        queue,
        cut: Arc::clone(&cut),
    };
    (writer, Queue { writes, cut })
}

/// A connection that the endpoint wants.
pub(super) struct Outgoing {
    pub(super) connection: ConnectionId,
    pub(super) protocol: Protocol,
    pub(super) remote: SocketAddr,
    pub(super) server_name: Option<String>,
    pub(super) client: Arc<ClientConfig>,
}

/// Opens a connection and runs it to its end.
pub(super) async fn open(plan: Outgoing, queue: Queue, tell: mpsc::Sender<Note>) {
    let connection = plan.connection;
    let failed = |reason: String| Note::Happened(Arrival::Closed { connection, reason });
    let stream = match timeout(HANDSHAKE, TcpStream::connect(plan.remote)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            let _ = tell.send(failed(format!("can't connect: {error}"))).await;
            return;
        }
        Err(_) => {
            let _ = tell.send(failed("can't connect: timed out".into())).await;
            return;
        }
    };
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().unwrap_or(plan.remote);
    // The owner keeps the writer it made; this one only carries the addresses.
    let (writer, _) = self::queue((local, plan.remote));
    let up = Note::Up(writer, Arrival::Connected { connection, local });
    if plan.protocol != Protocol::Tls {
        if tell.send(up).await.is_ok() {
            run(stream, connection, queue, None, tell).await;
        }
        return;
    }
    let name = match &plan.server_name {
        Some(name) => ServerName::try_from(name.clone()),
        None => Ok(ServerName::from(plan.remote.ip())),
    };
    let Ok(name) = name else {
        let reason = "TLS: the server's name is no host name".into();
        let _ = tell.send(failed(reason)).await;
        return;
    };
    let handshake = TlsConnector::from(plan.client).connect(name, stream);
    match timeout(HANDSHAKE, handshake).await {
        Ok(Ok(stream)) => {
            if tell.send(up).await.is_ok() {
                run(stream, connection, queue, None, tell).await;
            }
        }
        Ok(Err(error)) => {
            let _ = tell.send(failed(format!("TLS: {error}"))).await;
        }
        Err(_) => {
            let _ = tell.send(failed("TLS: handshake timed out".into())).await;
        }
    }
}

/// Reads and writes until one side ends it, then tells so. `first`: how long the peer may take for
/// its first bytes.
pub(super) async fn run<S: AsyncRead + AsyncWrite>(
    stream: S,
    connection: ConnectionId,
    queue: Queue,
    first: Option<Duration>,
    tell: mpsc::Sender<Note>,
) {
    let (reader, writer) = tokio::io::split(stream);
    let Queue { writes, cut } = queue;
    let reason = tokio::select! {
        reason = read(reader, connection, first, &tell) => reason,
        reason = write(writer, writes) => reason,
        () = cut.notified() => "the peer does not read".to_owned(),
    };
    let closed = Arrival::Closed { connection, reason };
    // Without an owner there is nobody to tell.
    let _ = tell.send(Note::Happened(closed)).await;
}

async fn read<S: AsyncRead>(
    mut reader: ReadHalf<S>,
    connection: ConnectionId,
    mut first: Option<Duration>,
    tell: &mpsc::Sender<Note>,
) -> String {
    let mut buffer = BytesMut::with_capacity(READ_BYTES);
    loop {
        buffer.reserve(READ_BYTES);
        let reading = reader.read_buf(&mut buffer);
        let read = match first.take() {
            Some(most) => match timeout(most, reading).await {
                Ok(read) => read,
                Err(_) => return "silent after connecting".into(),
            },
            None => reading.await,
        };
        match read {
            Ok(0) => return "closed by the peer".into(),
            Ok(_) => {
                let bytes = buffer.split().freeze();
                let arrival = Arrival::StreamBytes { connection, bytes };
                if tell.send(Note::Happened(arrival)).await.is_err() {
                    return "squelch stopped".into();
                }
            }
            // Many peers leave TLS without a goodbye.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return "closed by the peer".into();
            }
            Err(error) => return error.to_string(),
        }
    }
}

async fn write<S: AsyncWrite>(
    mut writer: WriteHalf<S>,
    mut writes: mpsc::Receiver<Bytes>,
) -> String {
    while let Some(bytes) = writes.recv().await {
        let writing = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        match timeout(WRITE, writing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.to_string(),
            Err(_) => return "the peer does not read".into(),
        }
    }
    // The goodbye is a courtesy; the peer may be gone.
    let _ = timeout(WRITE, writer.shutdown()).await;
    "closed".into()
}

/// For each of TCP's and TLS's handshakes.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(5);
/// For one message to be taken by the peer.
const WRITE: Duration = Duration::from_secs(10);
/// Messages that wait for a peer to read. One that lets them pile up is cut off.
const WRITES: usize = 64;
const READ_BYTES: usize = 16 * 1024;
