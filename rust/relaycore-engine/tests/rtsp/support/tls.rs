//! A client's side of TLS: a socket whose bytes are encrypted on their way to a server.

use super::PATIENCE;
use relaycore_engine::tls::Certificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A certificate for this test, chain and key as PEM.
pub(crate) fn pem() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// The same, ready for an engine.
pub(crate) fn certificate() -> Certificate {
    let (chain, key) = pem();
    Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap()
}

/// A socket that leads to `server` through TLS. What is written to it is encrypted, what comes is decrypted; it is
/// closed when the server closes.
pub(crate) fn secured(server: SocketAddr) -> TcpStream {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (near, _) = listener.accept().unwrap();
    let far = TcpStream::connect(server).unwrap();
    far.set_read_timeout(Some(PATIENCE)).unwrap();
    for socket in [&ours, &near, &far] {
        socket.set_nodelay(true).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
    }
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = ClientConnection::new(Arc::new(trusting()), name).unwrap();
    tls.complete_io(&mut &far).unwrap();
    let tls = Arc::new(Mutex::new(tls));
    let (sending, near_in, far_out) = (
        Arc::clone(&tls),
        near.try_clone().unwrap(),
        far.try_clone().unwrap(),
    );
    std::thread::spawn(move || encrypt(&sending, near_in, &far_out));
    std::thread::spawn(move || decrypt(&tls, &near, far));
    ours
}

fn encrypt(tls: &Mutex<ClientConnection>, mut near: TcpStream, far: &TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = near.read(&mut buffer) {
        let mut tls = tls.lock().unwrap();
        tls.writer().write_all(&buffer[..count]).unwrap();
        send(&mut tls, far);
    }
    let mut tls = tls.lock().unwrap();
    tls.send_close_notify();
    send(&mut tls, far);
    let _ = far.shutdown(Shutdown::Write);
}

fn decrypt(tls: &Mutex<ClientConnection>, mut near: &TcpStream, mut far: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = far.read(&mut buffer) {
        let mut plain = Vec::new();
        {
            let mut tls = tls.lock().unwrap();
            let mut rest = &buffer[..count];
            while !rest.is_empty() {
                tls.read_tls(&mut rest).unwrap();
                tls.process_new_packets().unwrap();
                // Ends with an error that says that no more is there.
                let _ = tls.reader().read_to_end(&mut plain);
            }
            send(&mut tls, &far);
        }
        if near.write_all(&plain).is_err() {
            break;
        }
    }
    let _ = near.shutdown(Shutdown::Write);
}

fn send(tls: &mut ClientConnection, mut socket: &TcpStream) {
    while tls.wants_write() {
        if tls.write_tls(&mut socket).is_err() {
            return;
        }
    }
}

/// A client that takes any certificate, as one does with a self-signed one.
fn trusting() -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth()
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
