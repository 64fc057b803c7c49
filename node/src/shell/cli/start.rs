//! `falaj start`: runs the node in the foreground until a signal.

use clap::Args;
use serde::Serialize;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::{Failure, Scene};
use crate::shell::api;
use crate::shell::config::{Config, LogFormat};
use crate::shell::node::join_then_start;
use crate::shell::runtime::Fatal;
use crate::shell::whole::write_whole;

/// What a running node wrote beside its home, for the tools that look for it.
pub(super) const RUN_FILE: &str = "run.json";

/// Runs the node.
#[derive(Args)]
pub(super) struct Start {
    /// Stop when standard input closes, so that the node never outlives the program that started it.
    #[arg(long)]
    stop_with_stdin: bool,
}

/// Where a running node is found.
#[derive(Debug, Serialize, serde::Deserialize)]
pub(super) struct Running {
    /// Process id.
    pub(super) pid: u32,
    /// Address of the API.
    pub(super) api: SocketAddr,
    /// Address of the transport.
    pub(super) p2p: String,
}

impl Start {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let config = Config::load(&scene.home)?;
        log_to_standard_error(&config)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failure::new(70, error))?;
        let input = self.stop_with_stdin.then(input_closed).transpose()?;
        runtime.block_on(serve(&scene.home, config, input))
    }
}

async fn serve(
    home: &Path,
    config: Config,
    mut input: Option<oneshot::Receiver<()>>,
) -> Result<(), Failure> {
    let fatal = Fatal::exit();
    let api_listen = config.api.listen;
    let node = tokio::select! {
        node = join_then_start(home, config, &fatal) => node?,
        told = wait_until_told(input.as_mut()) => return told,
    };
    let node = std::sync::Arc::new(node);
    let _banner = node.banner.clone().map(BannerTask::start);
    let server = listen(api_listen).await?;
    let api = server.address();
    let running = Running {
        pid: std::process::id(),
        api,
        p2p: node.network.listen_addr().to_string(),
    };
    let text = serde_json::to_vec(&running).map_err(|error| Failure::new(70, error))?;
    write_whole(&home.join(RUN_FILE), &text).map_err(|error| Failure::new(Failure::DISK, error))?;
    tracing::info!(%api, p2p = %running.p2p, height = node.view.snapshot().height().get(), "the node runs");
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let serving = tokio::spawn(server.serve(std::sync::Arc::clone(&node), stopping));
    wait_until_told(input.as_mut()).await?;
    tracing::info!("stopping");
    stop.send_replace(true);
    // The server is gone, so this is the last hand on the node.
    drop(serving.await);
    let _ = std::fs::remove_file(home.join(RUN_FILE));
    if let Ok(node) = std::sync::Arc::try_unwrap(node) {
        node.stop().await;
    }
    Ok(())
}

/// How often a log shows again that the consensus key is in no hardware.
const BANNER_PERIOD: Duration = Duration::from_secs(3_600);

/// Shows the banner in the log at once, and every hour for as long as it lives.
struct BannerTask(tokio::task::JoinHandle<()>);

impl BannerTask {
    fn start(banner: String) -> Self {
        tracing::warn!("{banner}");
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(BANNER_PERIOD).await;
                tracing::warn!("{banner}");
            }
        }))
    }
}

impl Drop for BannerTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Takes the address of the API.
async fn listen(address: SocketAddr) -> Result<api::Server, Failure> {
    let failed = |error: std::io::Error| {
        let text =
            format!("the API cannot listen on {address} ({error}); api.listen names another");
        Failure::new(Failure::UNAVAILABLE, text)
    };
    api::listen(address).await.map_err(failed)
}

/// Begins to watch standard input, on a thread that ends with the process; the answer comes when it closes.
fn input_closed() -> Result<oneshot::Receiver<()>, Failure> {
    let (closed, is_closed) = oneshot::channel();
    std::thread::Builder::new()
        .name("stdin".into())
        .spawn(move || {
            // An input that fails is as closed as one that ended.
            drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
            let _ = closed.send(());
        })
        .map_err(|error| Failure::new(70, error))?;
    Ok(is_closed)
}

/// Waits for a signal, or for standard input to close if that was asked for.
async fn wait_until_told(input: Option<&mut oneshot::Receiver<()>>) -> Result<(), Failure> {
    let closed = async {
        match input {
            Some(input) => drop(input.await),
            None => std::future::pending().await,
        }
    };
    let failed = |error: std::io::Error| Failure::new(70, error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = closed => {}
    }
    Ok(())
}

fn log_to_standard_error(config: &Config) -> Result<(), Failure> {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_new(&config.log.filter)
        .map_err(|error| Failure::new(Failure::CONFIG, format!("log.filter: {error}")))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let done = match config.log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    done.map_err(|error| Failure::new(70, error))
}
