"""What only the service needs: settings, request and answer types, problem documents, the app."""
