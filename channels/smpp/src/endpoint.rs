//! Where an SMS centre answers, and the way there: TCP, or TLS over it.
//!
//! The library's own way there is not taken: it asks name servers past `/etc/hosts`, tries the first
//! address only, and has no time-out.

use std::{io, path::Path, sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use vestnik_contract::{Fault, Reason};

use crate::SmppError;

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// `smpp://host:port`, or `smpps://host:port` for TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
}

impl Endpoint {
    pub(crate) fn parse(url: &str) -> Result<Self, SmppError> {
        let wrong = |why| SmppError::Url(why);
        let (scheme, rest) = url.split_once("://").ok_or(wrong(
            "is no address: write it as smpp://smpp.example.org:2775",
        ))?;
        let tls = match scheme {
            "smpp" => false,
            "smpps" | "ssmpp" => true,
            _ => return Err(wrong("must begin with smpp:// or smpps://")),
        };
        let place = rest.trim_end_matches('/');
        if place.contains('@') {
            return Err(wrong("holds a login: write it into system_id and password"));
        }
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                let port = port
                    .parse()
                    .map_err(|_| wrong("has a port that is no number"))?;
                (host, port)
            }
            _ => (place, 2775),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains('/') {
            return Err(wrong(
                "names no host: write it as smpp://smpp.example.org:2775",
            ));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            tls,
        })
    }

    /// Connects, with TLS where the address asks for it.
    pub(crate) async fn connect(
        &self,
        tls: Option<&Arc<ClientConfig>>,
        limit: Duration,
    ) -> Result<Box<dyn Stream>, Reason> {
        let network = |code: &str, text: &str| Reason::new(code, text, Fault::Network);
        let late = |_| network("timeout", "The SMS centre did not answer in time.");
        let stream = timeout(limit, TcpStream::connect((self.host.as_str(), self.port)))
            .await
            .map_err(late)?
            .map_err(|_| {
                network(
                    "connect",
                    "The SMS centre cannot be reached: check the network and url.",
                )
            })?;
        let _ = stream.set_nodelay(true);
        let Some(config) = tls.filter(|_| self.tls) else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(self.host.clone()).map_err(|_| {
            network(
                "tls",
                "The name of the SMS centre can stand in no certificate: check url.",
            )
        })?;
        let handshake = TlsConnector::from(config.clone()).connect(name, stream);
        match timeout(limit, handshake).await.map_err(late)? {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(network("tls", tls_words(&error))),
        }
    }
}

/// What a failed handshake asks for, in words.
fn tls_words(error: &io::Error) -> &'static str {
    let certificate = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        .is_some_and(|inner| matches!(inner, rustls::Error::InvalidCertificate(_)));
    if certificate {
        "The certificate of the SMS centre is not trusted: check the name in url, or set ca_file."
    } else {
        "The SMS centre speaks no TLS at this port: check url, or write smpp:// for a private line."
    }
}

/// TLS 1.2 and 1.3 by ring, with the certificates of `ca_file`, else with the machine's own.
pub(crate) fn tls(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, SmppError> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca_file {
        let unreadable = |error: String| SmppError::CaFile(path.to_owned(), error);
        for certificate in
            CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))?
        {
            let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
            roots
                .add(certificate)
                .map_err(|error| unreadable(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(unreadable("holds no certificate".into()));
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    // The provider is set for this client alone: a library must not choose it for the process.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SmppError::Tls(error.to_string()))?;
    Ok(Arc::new(
        builder.with_root_certificates(roots).with_no_client_auth(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_or_refused_with_its_remedy() {
        let parsed = |url| Endpoint::parse(url).map(|place| (place.host, place.port, place.tls));
        assert_eq!(
            parsed("smpp://a.example").ok(),
            Some(("a.example".into(), 2775, false))
        );
        assert_eq!(
            parsed("smpps://a.example:3443/").ok(),
            Some(("a.example".into(), 3443, true))
        );
        assert_eq!(
            parsed("smpp://[::1]:2776").ok(),
            Some(("::1".into(), 2776, false))
        );
        assert_eq!(
            parsed("smpp://[::1]").ok(),
            Some(("::1".into(), 2775, false))
        );
        for (url, remedy) in [
            ("a.example:2775", "smpp://smpp.example.org:2775"),
            ("https://a.example", "smpp:// or smpps://"),
            ("smpp://school:secret@a.example", "system_id and password"),
            ("smpp://a.example:port", "no number"),
            ("smpp://:2775", "no host"),
        ] {
            let error = Endpoint::parse(url).expect_err(url).to_string();
            assert!(error.contains(remedy), "{error}");
        }
    }
}
