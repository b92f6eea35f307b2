//! SMS over HTTP gateways.
