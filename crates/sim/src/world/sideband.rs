//! The gateway's WebSockets to the stand-in.

use super::World;
use super::network::Arrival;
use crate::http::Request;
use crate::peer::openai::{self, SocketId};
use squelch_call::control::sideband::Watcher;
use squelch_call::{Input, SidebandEvent, SidebandId};
use std::collections::HashMap;

/// Which socket of the stand-in's is which of the gateway's, and who watches it.
#[derive(Debug, Default)]
pub(super) struct Sidebands {
    sockets: HashMap<SidebandId, SocketId>,
    watchers: HashMap<SocketId, (SidebandId, Option<Box<Watcher>>)>,
}

impl World {
    /// The handshake arrives at the stand-in.
    pub(super) fn sideband_connect(&mut self, sideband: SidebandId, request: &Request) {
        let socket = SocketId(self.network.number());
        let event = match self.openai.open_socket(socket, request) {
            Ok(()) => {
                self.sidebands.sockets.insert(sideband, socket);
                self.sidebands.watchers.insert(socket, (sideband, None));
                SidebandEvent::Connected
            }
            Err(refused) => SidebandEvent::Refused(Ok(refused)),
        };
        self.tell_sideband(sideband, event);
    }

    fn tell_sideband(&mut self, sideband: SidebandId, event: SidebandEvent) {
        let arrival = Arrival::Sideband { sideband, event };
        self.network.later(self.now, arrival);
    }

    pub(super) fn sideband_start(&mut self, sideband: SidebandId, watcher: Box<Watcher>) {
        let socket = self.sidebands.sockets.get(&sideband);
        if let Some(socket) = socket.and_then(|socket| self.sidebands.watchers.get_mut(socket)) {
            socket.1 = Some(watcher);
        }
    }

    /// Who watches a socket.
    pub(super) fn watcher(&mut self, sideband: SidebandId) -> Option<&mut Watcher> {
        let socket = self.sidebands.sockets.get(&sideband)?;
        self.sidebands.watchers.get_mut(socket)?.1.as_deref_mut()
    }

    pub(super) fn sideband_send(&mut self, sideband: SidebandId, text: String) {
        if let Some(socket) = self.sidebands.sockets.get(&sideband).copied() {
            self.network
                .later(self.now, Arrival::SocketText { socket, text });
        }
    }

    pub(super) fn sideband_close(&mut self, sideband: SidebandId) {
        if let Some(socket) = self.sidebands.sockets.remove(&sideband) {
            self.sidebands.watchers.remove(&socket);
            let wall = self.wall_now();
            let input = openai::Input::SocketClosed { socket };
            self.openai.handle_input(self.now, wall, input);
        }
    }

    /// The stand-in says something on a socket.
    pub(super) fn stand_in_says(&mut self, socket: SocketId, text: String) {
        match self.sidebands.watchers.get(&socket) {
            Some(_) => {
                let arrival = Arrival::SidebandText { socket, text };
                self.network.later(self.now, arrival);
            }
            None => self.told.push(text),
        }
    }

    /// And it arrives at squelch.
    pub(super) fn sideband_text(&mut self, socket: SocketId, text: &str) {
        let Some((sideband, Some(watcher))) = self.sidebands.watchers.get_mut(&socket) else {
            return;
        };
        let sideband = *sideband;
        if let Some(report) = watcher.openai_said(text) {
            let event = SidebandEvent::Report(report);
            let wall = self.wall_now();
            let input = Input::Sideband { sideband, event };
            self.gateway.handle_input(self.now, wall, input);
        }
    }

    pub(super) fn stand_in_closes(&mut self, socket: SocketId) {
        if let Some((sideband, _)) = self.sidebands.watchers.remove(&socket) {
            self.sidebands.sockets.remove(&sideband);
            self.tell_sideband(sideband, SidebandEvent::Closed("OpenAI closed it".into()));
        }
    }
}
