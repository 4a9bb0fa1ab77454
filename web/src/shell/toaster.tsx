import * as sonner from "sonner";
import "sonner/dist/styles.css";
import { useEffect } from "react";
import { toasterListens } from "@/patterns/notify";
import { useTheme } from "./theme";

export default function MessageToaster() {
  const { shown } = useTheme();
  useEffect(() => toasterListens(sonner), []);
  return (
    <sonner.Toaster
      theme={shown}
      position="bottom-right"
      closeButton
      toastOptions={{
        classNames: {
          toast: "!bg-surface !text-text !border-line !shadow-lg !rounded-lg !font-sans !pr-10",
          description: "!text-muted !font-mono !text-2xs",
          closeButton: "!left-auto !right-2 !top-1/2 !-translate-y-1/2 !transform-none !-mt-2.5 !bg-surface !border-transparent !text-muted",
          success: "[&_[data-icon]]:!text-success",
          error: "[&_[data-icon]]:!text-danger",
        },
      }}
    />
  );
}
