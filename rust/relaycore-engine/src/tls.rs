//! The certificate that connections are encrypted with.

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::sync::Arc;

/// A certificate with its key, ready for use.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<ServerConfig>);

impl Certificate {
    /// Reads a chain of certificates, the server's own first, and its private key, both as PEM (RFC 7468).
    ///
    /// # Errors
    /// When either cannot be read, or the key is not that of the certificate.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(CertificateError::Chain)?;
        if chain.is_empty() {
            return Err(CertificateError::Chain(pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(CertificateError::Key)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(CertificateError::Pair)?;
        // HTTP/2 is not spoken here, and RTSP has no name of its own (RFC 7301).
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0)
    }
}

/// Why a certificate cannot be used.
#[derive(Debug)]
pub enum CertificateError {
    /// The certificates cannot be read.
    Chain(pem::Error),
    /// The key cannot be read.
    Key(pem::Error),
    /// They do not belong together, or are of a kind that is not supported.
    Pair(rustls::Error),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain(error) => {
                write!(
                    out,
                    "the certificate is no PEM file with certificates: {error}"
                )
            }
            Self::Key(error) => write!(out, "the key is no PEM file with a private key: {error}"),
            Self::Pair(error) => {
                write!(out, "certificate and key cannot be used together: {error}")
            }
        }
    }
}

impl std::error::Error for CertificateError {}
